"""How much of the speech of a recording is in its clips.

What is speech is said by detectors that know nothing of the slicer's rule, which goes by level
alone. They listen to the recording as it was uploaded.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray

from ray_pipeline.audio.voice_activity import CHUNK_SECONDS, speech_chunks
from ray_pipeline.core.audio_format import SAMPLE_RATE, Waveform

Marks = NDArray[np.bool_]

_HZ = 1000  # marks a second
_WHISPER_RATE = 16_000


@dataclass(frozen=True)
class Span:
    """Where a clip lies in its recording, in samples at 32 kHz."""

    start: int
    end: int


def by_pysilero(waveform: Waveform, rate: int) -> Marks:
    """[milliseconds]: chunks of 32 ms, each by itself."""
    size = round(CHUNK_SECONDS * _HZ)
    return np.repeat(speech_chunks(waveform, rate), size)


def by_faster_whisper(waveform: Waveform, rate: int) -> Marks:
    """[milliseconds]: the detector inside faster-whisper, another version of Silero through
    another runtime, which bridges gaps of 100 ms."""
    from faster_whisper.vad import VadOptions, get_speech_timestamps

    samples = soxr.resample(waveform, rate, _WHISPER_RATE).astype(np.float32)
    options = VadOptions(min_silence_duration_ms=100, speech_pad_ms=0)
    marks = np.zeros(len(samples) * _HZ // _WHISPER_RATE + 1, bool)
    for stretch in get_speech_timestamps(samples, options):
        start, end = (stretch[key] * _HZ // _WHISPER_RATE for key in ("start", "end"))
        marks[start:end] = True
    return marks


def inside(spans: Iterable[Span], num_marks: int) -> Marks:
    """[num_marks] milliseconds that lie in any of the clips."""
    marks = np.zeros(num_marks, bool)
    for span in spans:
        marks[span.start * _HZ // SAMPLE_RATE : span.end * _HZ // SAMPLE_RATE] = True
    return marks


def put_back(clips: Iterable[tuple[Span, Waveform]], num_samples: int) -> Waveform:
    """[num_samples] at 32 kHz: the clips where they were cut from, silence between them."""
    waveform = np.zeros(num_samples, np.float32)
    for span, clip in clips:
        stop = min(span.start + len(clip), num_samples)
        waveform[span.start : stop] = clip[: stop - span.start]
    return waveform


def share(pairs: Iterable[tuple[Marks, Marks]]) -> float:
    """The share of the speech of all recordings that is kept; a pair is (speech, kept)."""
    total = both = 0
    for speech, kept in pairs:
        common = min(len(speech), len(kept))
        total += int(speech.sum())
        both += int((speech[:common] & kept[:common]).sum())
    return both / total
