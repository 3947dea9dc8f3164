"""What the networks know of a recording: mel, pitch, voicing, and statistics of the speaker.

N samples at 32 kHz, F frames at 100 Hz: frame k is the sound around sample 320 k.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import soxr
import torch
from numpy.typing import NDArray
from torch import Tensor

from ray_pipeline.audio.spectrogram import mel_filters
from ray_pipeline.models.mini.config import (
    MEL_HOP,
    MEL_TOP_HZ,
    MELS_PER_TOKEN,
    N_FFT,
    NUM_MELS,
    SAMPLE_RATE,
    SPEAKER_DIM,
    TOKEN_HOP,
)

if TYPE_CHECKING:
    from swift_f0 import SwiftF0

Waveform = NDArray[np.float32]

LOG_FLOOR = math.log(1e-4)
LOWEST_PITCH_HZ, HIGHEST_PITCH_HZ = 55.0, 550.0
# Speaker vectors hold the logarithm of the pitch as a distance from this.
MIDDLE_PITCH_HZ = 160.0

_LEVEL = 0.08  # root mean square of speech, -22 dBFS
_LEVEL_FRAME = 640
_SPEECH_BELOW_LOUDEST = 10 ** (-30 / 20)
_SPEECH_NEPERS = 6.0  # a frame of speech is less than this below the loudest
_VOICED_CONFIDENCE = 0.5  # swift-f0 calibrates its confidence to this
_PITCH_RATE_HZ = 16_000
_SHORTEST_VOICED = 3  # pitch frames of 16 ms: anything shorter is an accident


@dataclass(frozen=True)
class Sound:
    """`wav` [N] at speech level with N = 320 F, `mel` [F, 80], `pitch_hz` [F] with 0 where there
    is no voice. F is even: whole tokens."""

    wav: Waveform
    mel: NDArray[np.float32]
    pitch_hz: NDArray[np.float32]

    @property
    def num_tokens(self) -> int:
        return len(self.mel) // MELS_PER_TOKEN

    @property
    def speaker(self) -> NDArray[np.float32]:
        return speaker_statistics(self.mel, self.pitch_hz)


def analyse(wav: Waveform) -> Sound:
    """Of a clip [N] at 32 kHz. Raises ValueError for one that is silent or under 100 ms."""
    wav = at_speech_level(wav[: len(wav) // TOKEN_HOP * TOKEN_HOP])
    if len(wav) < 5 * TOKEN_HOP:
        raise ValueError("the clip is shorter than 100 ms")
    mel = log_mel(torch.from_numpy(wav)[None])[0].numpy()
    return Sound(wav, mel, pitch(wav))


def at_speech_level(wav: Waveform) -> Waveform:
    """So loud that its speech has an RMS of -22 dBFS; samples may pass 1 thereby."""
    frames = wav[: len(wav) // _LEVEL_FRAME * _LEVEL_FRAME].reshape(-1, _LEVEL_FRAME)
    power = np.square(frames, dtype=np.float64).mean(axis=1)
    if not len(power) or power.max() <= 1e-12:
        raise ValueError("the clip is silent")
    speech = power[power > power.max() * _SPEECH_BELOW_LOUDEST**2]
    scaled: Waveform = (wav * (_LEVEL / math.sqrt(speech.mean()))).astype(np.float32)
    return scaled


def log_mel(wav: Tensor) -> Tensor:
    """[B, N] to natural logarithms [B, N // 320, 80], at least ln(1e-4)."""
    waves = torch.stft(wav, N_FFT, MEL_HOP, window=window(wav.device), return_complex=True)
    magnitudes = waves[..., : wav.shape[-1] // MEL_HOP].abs()
    filters = mel_filters(SAMPLE_RATE, N_FFT, NUM_MELS, 0.0, MEL_TOP_HZ, wav.device)
    return (filters @ magnitudes).clamp(min=math.exp(LOG_FLOOR)).log().transpose(1, 2)


@functools.lru_cache(maxsize=4)
def window(device: torch.device, size: int = N_FFT) -> Tensor:
    with torch.inference_mode(False):
        return torch.hann_window(size, device=device)


def pitch(wav: Waveform) -> NDArray[np.float32]:
    """[N] to the fundamental frequency in Hz [N // 320], 0 where there is no voice.

    By SwiftF0 (Nieradzik 2025, a small convolutional network inside the package), which looks
    every 16 ms; between two of its frames the logarithm is interpolated.
    """
    num_frames = len(wav) // MEL_HOP
    found = _detector().detect(soxr.resample(wav, SAMPLE_RATE, _PITCH_RATE_HZ), _PITCH_RATE_HZ)
    hz, times = found.pitch_hz, found.timestamps
    voiced = (found.confidence >= _VOICED_CONFIDENCE) & (hz >= LOWEST_PITCH_HZ)
    voiced = _without_short_runs(voiced & (hz <= HIGHEST_PITCH_HZ))
    if not voiced.any():
        return np.zeros(num_frames, np.float32)
    wanted = np.arange(num_frames) * (MEL_HOP / SAMPLE_RATE)
    curve = np.exp(np.interp(wanted, times[voiced], np.log(hz[voiced])))
    is_voiced = np.interp(wanted, times, voiced.astype(np.float64)) >= 0.5
    return np.where(is_voiced, curve, 0.0).astype(np.float32)


def _without_short_runs(voiced: NDArray[np.bool_]) -> NDArray[np.bool_]:
    edges = np.flatnonzero(np.diff(voiced.astype(np.int8), prepend=0, append=0))
    kept = voiced.copy()
    for start, end in edges.reshape(-1, 2):
        if end - start < _SHORTEST_VOICED:
            kept[start:end] = False
    return kept


@functools.cache
def _detector() -> SwiftF0:
    from swift_f0 import SwiftF0

    return SwiftF0(threads=1)


def speaker_statistics(
    mel: NDArray[np.float32], pitch_hz: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Of mel [F, 80] and pitch [F]: the vector [162] of a speaker.

    Means of the mel bins over frames of speech (their own mean taken off: loudness says nothing
    of a speaker) and their deviations; the middle of the logarithm of the pitch, and how far the
    pitch moves. All are brought to about 1.
    """
    loudness = mel.mean(axis=1)
    speech = mel[loudness > loudness.max() - _SPEECH_NEPERS]
    means = speech.mean(axis=0)
    voiced = pitch_hz[pitch_hz > 0]
    logs = np.log(voiced / MIDDLE_PITCH_HZ) if len(voiced) else np.zeros(1)
    vector = np.concatenate(
        [(means - means.mean()) / 2, speech.std(axis=0) / 2, [np.median(logs), 4 * logs.std()]]
    )
    assert vector.shape == (SPEAKER_DIM,)
    return vector.astype(np.float32)


def middle_pitch_hz(speaker: Tensor) -> Tensor:
    """Speaker vectors [..., 162] to the middle of their pitch in Hz [...]."""
    return MIDDLE_PITCH_HZ * speaker[..., -2].exp()
