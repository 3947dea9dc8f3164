"""The second half of stage 2: mel, pitch and voicing to the waveform.

B batch, F frames at 100 Hz, N = 320 F samples at 32 kHz, K = 641 bins of the spectrum.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ray_pipeline.models.mini.blocks import ConvNextBlock
from ray_pipeline.models.mini.config import (
    MEL_HOP,
    N_FFT,
    NUM_MELS,
    SAMPLE_RATE,
    VocoderConfig,
)
from ray_pipeline.models.mini.sound import MIDDLE_PITCH_HZ, window

_NUM_BINS = N_FFT // 2 + 1
_HIGHEST_HARMONIC_HZ = 14_000.0
_LEAST_PITCH_HZ = 40.0
_GREATEST_LOG = 5.0


class Vocoder(nn.Module):
    """A source and a filter (Fant 1960), the filter from a network, one inverse transform.

        pitch ── pulses ── spectrum ── x magnitude, phase ──┐
        noise ──────────── spectrum ── x magnitude ─────────┴─ + ── inverse STFT ── waveform
        mel, pitch, voicing ── blocks ── magnitude, phase, magnitude (K each a frame)

    The harmonics stand where the pitch says from the first step on, so that minutes of training
    are enough; the blocks and the single transform are those of Vocos (Siuzdak 2023).
    """

    def __init__(self, config: VocoderConfig) -> None:
        super().__init__()
        self.config = config
        self.input = nn.Linear(NUM_MELS + 2, config.channels)
        self.blocks = nn.ModuleList(
            ConvNextBlock(config.channels, config.kernel) for _ in range(config.blocks)
        )
        self.norm = nn.LayerNorm(config.channels)
        self.head = nn.Linear(config.channels, 3 * _NUM_BINS)
        with torch.no_grad():
            self.head.weight.mul_(0.3)

    def forward(self, mel: Tensor, pitch_hz: Tensor, noise: Tensor) -> Tensor:
        """mel [B, F, 80], pitch [B, F] (0 without voice), normal noise [B, N] to [B, N]."""
        hidden = self.input(_features(mel, pitch_hz))
        for block in self.blocks:
            hidden = block(hidden)
        made = self.head(self.norm(hidden)).float().transpose(1, 2)
        harmonic, phase, breath = made.split(_NUM_BINS, dim=1)
        voice = _filter(harmonic, math.pi * torch.tanh(phase)) * _spectrum(pulses(pitch_hz))
        spectrum = voice + _magnitude(breath) * _spectrum(noise)
        return torch.istft(
            F.pad(spectrum, (0, 1)),
            N_FFT,
            MEL_HOP,
            window=window(mel.device),
            length=mel.shape[1] * MEL_HOP,
        )


def pulses(pitch_hz: Tensor) -> Tensor:
    """[B, F] to a train of band-limited pulses [B, N] of unit power, 0 without voice.

    All harmonics up to 14 kHz, each of the same amplitude, summed in closed form (Dirichlet's
    kernel); the phase runs on through the frames.
    """
    samples = pitch_hz.repeat_interleave(MEL_HOP, dim=1)
    voiced = samples > _LEAST_PITCH_HZ
    hz = samples.clamp(min=_LEAST_PITCH_HZ)
    # In double precision: a minute of single precision is off by whole periods.
    cycles = torch.cumsum(torch.where(voiced, hz, 0.0).double() / SAMPLE_RATE, dim=1)
    angle = (2 * math.pi * (cycles % 1.0)).float()
    harmonics = torch.floor(_HIGHEST_HARMONIC_HZ / hz)
    half = torch.sin(angle / 2)
    at_pulse = half.abs() < 1e-4
    safe = torch.where(at_pulse, 1.0, half)
    train = torch.sin((harmonics + 0.5) * angle) / (2 * safe) - 0.5
    train = torch.where(at_pulse, harmonics, train) / torch.sqrt(harmonics / 2)
    return torch.where(voiced, train, 0.0)


def _features(mel: Tensor, pitch_hz: Tensor) -> Tensor:
    """[B, F, 82], each about 1."""
    voiced = pitch_hz > 0
    height = torch.log(pitch_hz.clamp(min=_LEAST_PITCH_HZ) / MIDDLE_PITCH_HZ)
    extra = torch.stack([torch.where(voiced, height, 0.0), voiced.float()], dim=-1)
    return torch.cat([(mel + 5) / 2, extra], dim=-1)


def _spectrum(wav: Tensor) -> Tensor:
    """[B, N] of unit power to [B, K, F], its bins of about unit power."""
    waves = torch.stft(wav, N_FFT, MEL_HOP, window=window(wav.device), return_complex=True)
    return waves[..., :-1] / math.sqrt(N_FFT * 3 / 8)


def _magnitude(log: Tensor) -> Tensor:
    return torch.exp(log.clamp(max=_GREATEST_LOG) - 1)


def _filter(log: Tensor, phase: Tensor) -> Tensor:
    return torch.polar(_magnitude(log), phase)
