"""Reading and writing the WAV files of the pipeline: mono, 32 kHz, float32 or int16.

Waveforms in memory are float32 arrays of shape [N], full scale at ±1.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from ray_pipeline.audio.wav_layout import clear_peak_time
from ray_pipeline.core.audio_format import SAMPLE_RATE, Waveform
from ray_pipeline.core.errors import StepFailed
from ray_pipeline.core.workspace import atomic_path

Samples = NDArray[np.int16]


def read_mono(path: Path, start: int = 0, stop: int | None = None) -> tuple[Waveform, int]:
    """The samples start…stop of a file as [N] and its rate in Hz; channels are averaged.

    Raises StepFailed when libsndfile cannot read the file.
    """
    try:
        audio, rate = soundfile.read(path, start=start, stop=stop, dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, RuntimeError, OSError) as error:
        raise _unreadable(path) from error
    return audio.mean(axis=1), rate


def num_samples_of(path: Path) -> int:
    """Frames that the file's header names. Raises StepFailed when it cannot be read."""
    try:
        return int(soundfile.info(path).frames)
    except (soundfile.SoundFileError, RuntimeError, OSError) as error:
        raise _unreadable(path) from error


def duration_seconds(path: Path) -> float:
    """Raises StepFailed when the file cannot be read."""
    try:
        return float(soundfile.info(path).duration)
    except (soundfile.SoundFileError, RuntimeError, OSError) as error:
        raise _unreadable(path) from error


def ranges_of(path: Path) -> Callable[[int, int], Waveform]:
    """A function that reads the samples start…stop of a file; for files too long for memory."""
    return lambda start, stop: read_mono(path, start, stop)[0]


def write_int16(path: Path, samples: Samples, rate: int = SAMPLE_RATE) -> None:
    """A 16-bit WAV with the plain header of 44 bytes, written atomically."""
    if samples.dtype != np.int16:
        raise TypeError(f"write_int16 takes int16 samples, not {samples.dtype}")
    with atomic_path(path) as partial:
        soundfile.write(partial, samples, rate, subtype="PCM_16", format="WAV")


def write_float32(path: Path, waveform: Waveform, rate: int = SAMPLE_RATE) -> None:
    """A 32-bit float WAV, written atomically; values beyond ±1 survive, equal sound gives equal
    bytes."""
    with atomic_path(path) as partial:
        soundfile.write(partial, waveform, rate, subtype="FLOAT", format="WAV")
        clear_peak_time(partial)


def to_int16(waveform: Waveform) -> Samples:
    """Rounded to the nearest step; what lies beyond full scale is held there."""
    return np.clip(np.round(waveform * 32768), -32768, 32767).astype(np.int16)


def _unreadable(path: Path) -> StepFailed:
    return StepFailed(
        f"{path.name} cannot be read as audio.",
        hint="Run the step that made it again with force, or upload the recording anew.",
        clip=path.name,
        reason="unreadable",
    )
