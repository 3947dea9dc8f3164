"""Magnitude spectrogram and log-mel of 32 kHz audio, as the original computes them.

B batch, T samples, F frames: floor(T / hop) when the window is the FFT size.
"""

from __future__ import annotations

import functools
import math

import torch
import torch.nn.functional as F
from torch import Tensor

from ray_pipeline.core.audio_format import HOP_SAMPLES, SAMPLE_RATE

N_FFT = 2048
NUM_MELS = 128


def spectrogram(
    wav: Tensor, n_fft: int = N_FFT, hop: int = HOP_SAMPLES, win: int = N_FFT
) -> Tensor:
    """wav [B, T] or [T] in -1..1 → magnitudes [B, n_fft // 2 + 1, F].

    The ends are mirrored by (n_fft - hop) / 2 samples and frames are not centred. Raises
    ValueError for audio that is too short to be mirrored.
    """
    wav = wav[None] if wav.dim() == 1 else wav
    padding = (n_fft - hop) // 2
    if wav.shape[-1] <= padding:
        raise ValueError(f"{wav.shape[-1]} samples are too few: more than {padding} are needed")
    padded = F.pad(wav[:, None], (padding, padding), mode="reflect")[:, 0]
    waves = torch.stft(
        padded.float(),
        n_fft,
        hop_length=hop,
        win_length=win,
        window=_window(win, wav.device),
        center=False,
        return_complex=True,
    )
    return torch.view_as_real(waves).square().sum(-1).add(1e-8).sqrt()


def spec_to_mel(
    spec: Tensor,
    num_mels: int = NUM_MELS,
    sample_rate: int = SAMPLE_RATE,
    fmin: float = 0.0,
    fmax: float | None = None,
) -> Tensor:
    """Magnitudes [B, bins, F] → natural log of mel magnitudes [B, num_mels, F]."""
    n_fft = 2 * (spec.shape[-2] - 1)
    filters = mel_filters(sample_rate, n_fft, num_mels, fmin, fmax, spec.device)
    return (filters.to(spec.dtype) @ spec).clamp(min=1e-5).log()


def mel_spectrogram(
    wav: Tensor,
    n_fft: int = N_FFT,
    hop: int = HOP_SAMPLES,
    win: int = N_FFT,
    *,
    num_mels: int = NUM_MELS,
    sample_rate: int = SAMPLE_RATE,
    fmin: float = 0.0,
    fmax: float | None = None,
) -> Tensor:
    """wav [B, T] or [T] in -1..1 → log-mel [B, num_mels, F]."""
    return spec_to_mel(spectrogram(wav, n_fft, hop, win), num_mels, sample_rate, fmin, fmax)


@functools.lru_cache(maxsize=16)
def _window(size: int, device: torch.device) -> Tensor:
    with torch.inference_mode(False):
        return torch.hann_window(size, device=device)


@functools.lru_cache(maxsize=16)
def mel_filters(
    sample_rate: int,
    n_fft: int,
    num_mels: int,
    fmin: float = 0.0,
    fmax: float | None = None,
    device: torch.device | None = None,
) -> Tensor:
    """Triangles of equal area on Slaney's mel scale (Auditory Toolbox, 1998): [num_mels, bins]."""
    with torch.inference_mode(False):
        top = sample_rate / 2 if fmax is None else fmax
        mels = torch.linspace(_hz_to_mel(fmin), _hz_to_mel(top), num_mels + 2, dtype=torch.float64)
        edges = torch.tensor([_mel_to_hz(mel) for mel in mels.tolist()], dtype=torch.float64)
        bins = torch.linspace(0, sample_rate / 2, n_fft // 2 + 1, dtype=torch.float64)
        low, centre, high = (edges[i : num_mels + i, None] for i in range(3))
        triangles = torch.minimum((bins - low) / (centre - low), (high - bins) / (high - centre))
        filters = triangles.clamp(min=0) * (2 / (high - low))
        return filters.float().to(device)


# Slaney's scale: linear up to 1000 Hz (15 mels), then 27 steps to each factor of 6.4.
_HZ_PER_MEL = 200 / 3
_LINEAR_MELS = 1000 / _HZ_PER_MEL
_LOG_STEP = math.log(6.4) / 27


def _hz_to_mel(hz: float) -> float:
    return hz / _HZ_PER_MEL if hz < 1000 else _LINEAR_MELS + math.log(hz / 1000) / _LOG_STEP


def _mel_to_hz(mel: float) -> float:
    return (
        mel * _HZ_PER_MEL
        if mel < _LINEAR_MELS
        else 1000 * math.exp((mel - _LINEAR_MELS) * _LOG_STEP)
    )
