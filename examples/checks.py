"""What a synthesised WAV has to be before anybody calls it speech: honest, simple limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import librosa
import numpy as np
import soundfile
from numpy.typing import NDArray

RMS_DBFS = (-40.0, -10.0)
MAX_SHARE_AT_FULL_SCALE = 0.001
# Measured: other clips of the speaker 0.1, a trained nano voice 0.5, untrained weights 1.3 to
# 1.7, white noise 1.6.
MAX_TIMBRE_DISTANCE = 0.9
_RATE = 32000
_RECORDINGS = 12
_AUDIBLE = 6.0  # in natural logarithms below the loudest frame: pauses do not count


@dataclass(frozen=True)
class Check:
    claim: str
    passed: bool
    seen: str

    def __str__(self) -> str:
        return f"{'pass' if self.passed else 'FAIL'}  {self.claim}: {self.seen}"


def check_sound(wav_path: Path) -> list[Check]:
    wav, _ = soundfile.read(wav_path, dtype="float64")
    finite = bool(np.isfinite(wav).all())
    # Around the mean, so that a constant offset, which nobody hears, does not pass for sound.
    rms = 20 * np.log10(max(float(np.std(wav)), 1e-9)) if finite else float("nan")
    loud = float(np.mean(np.abs(wav) >= 0.9999))
    low, high = RMS_DBFS
    return [
        Check("every sample is finite", finite, f"{len(wav)} samples"),
        Check(f"RMS within {low:g} … {high:g} dBFS", low <= rms <= high, f"{rms:.1f} dBFS"),
        Check(
            f"under {MAX_SHARE_AT_FULL_SCALE:.1%} of samples at full scale",
            loud < MAX_SHARE_AT_FULL_SCALE,
            f"{loud:.3%}",
        ),
    ]


def check_timbre(wav_path: Path, recordings: Sequence[Path]) -> Check:
    """`recordings` are of the speaker."""
    wav, _ = soundfile.read(wav_path, dtype="float64")
    # librosa refuses what is no number.
    distance = timbre_distance(wav_path, recordings) if np.isfinite(wav).all() else float("inf")
    return Check(
        f"its average spectrum is the speaker's (distance ≤ {MAX_TIMBRE_DISTANCE:g})",
        distance <= MAX_TIMBRE_DISTANCE,
        f"{distance:.2f}",
    )


def timbre_distance(wav_path: Path, recordings: Sequence[Path]) -> float:
    """Mean absolute difference of the average log-mel spectra (natural logarithm), each taken
    around its own mean, so that loudness does not count."""
    speaker = np.mean([_average_spectrum(path) for path in recordings[:_RECORDINGS]], axis=0)
    return float(np.abs(_average_spectrum(wav_path) - speaker).mean())


def _average_spectrum(path: Path) -> NDArray[np.float64]:
    wav, _ = librosa.load(path, sr=_RATE)
    mel = librosa.feature.melspectrogram(y=wav - wav.mean(), sr=_RATE, n_mels=128, power=1.0)
    frames = np.log(np.maximum(mel, 1e-5))
    loudness = frames.mean(axis=0)
    average = frames[:, loudness > loudness.max() - _AUDIBLE].mean(axis=1)
    centred: NDArray[np.float64] = average - average.mean()
    return centred


def seconds_of(path: Path) -> float:
    info = soundfile.info(path)
    return float(info.frames / info.samplerate)


def differ(one: Path, other: Path) -> bool:
    """Whether two WAVs hold different speech."""
    first, _ = soundfile.read(one, dtype="float32")
    second, _ = soundfile.read(other, dtype="float32")
    return len(first) != len(second) or not np.allclose(first, second, atol=1e-4)
