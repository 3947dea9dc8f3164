"""Sets of clips with something wrong with them, built from real speech."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from tests import speech

RATE = 32_000
Wave = NDArray[np.float32]
_OTHER = Path(__file__).parents[1] / "data" / "speech_zh" / "BAC009S0150W0124.flac"


def one_speaker() -> list[Wave]:
    """Pieces of 2.5 to 4 s by one speaker at 32 kHz."""
    pieces = []
    for name in speech.names():
        wave = speech.clip(name, RATE)
        count = max(1, len(wave) // (3 * RATE))
        pieces += [np.ascontiguousarray(part) for part in np.array_split(wave, count)]
    return pieces


def other_speaker() -> Wave:
    """Another one at the same level, 4 s."""
    wave, rate = soundfile.read(_OTHER, dtype="float32")
    wave = soxr.resample(wave, rate, RATE)[: 4 * RATE]
    return np.asarray(wave * (0.5 / np.abs(wave).max()), np.float32)


def deeper_voice(wave: Wave, share: float = 0.8) -> Wave:
    """A lower voice in a longer throat, through the same microphone and in the same language."""
    return np.asarray(soxr.resample(wave, RATE * share, RATE), np.float32)


def clipped(wave: Wave, gain: float = 3.0) -> Wave:
    """Cut off at full scale as 22.05 kHz, then resampled and made quieter, as the slicer does."""
    low = soxr.resample(wave, RATE, 22_050)
    cut = np.clip(low * (gain / np.abs(low).max()), -1, 1)
    return np.asarray(0.7 * soxr.resample(cut, 22_050, RATE), np.float32)


def telephone(wave: Wave) -> Wave:
    """Through 8 kHz and back."""
    return np.asarray(soxr.resample(soxr.resample(wave, RATE, 8000), 8000, RATE), np.float32)


def noisy(wave: Wave, snr_db: float) -> Wave:
    noise = np.random.default_rng(1).standard_normal(len(wave))
    level = np.sqrt(np.mean(wave**2)) * 10 ** (-snr_db / 20)
    return np.asarray(wave + level * noise, np.float32)


def silence(seconds: float = 3.0) -> Wave:
    """A quiet room."""
    noise = np.random.default_rng(2).standard_normal(round(seconds * RATE))
    return np.asarray(1e-4 * noise, np.float32)
