"""What of a clip a recogniser is given: pieces of at most 30 s around its speech.

Whisper takes 30 s at once, and the others begin to repeat or leave out when they are given much
more. So a longer clip is cut at its pauses, and a clip without speech is not recognised at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from ray_pipeline.audio.slicing import split_range
from ray_pipeline.audio.voice_activity import CHUNK_SECONDS, can_detect_speech, speech_chunks
from ray_pipeline.audio.wav import read_mono
from ray_pipeline.core.audio_format import Waveform

RATE = 16_000  # Hz, what every recogniser takes
MAX_SECONDS = 30.0

Span = tuple[float, float]  # start and end in seconds

_KEPT_AROUND_SECONDS = 0.2
_JOINED_GAP_SECONDS = 0.3
_FRAME_SECONDS = 0.1  # as long as the shortest pause that is worth a cut


def read_clip(path: Path) -> Waveform:
    """[N] at 16 kHz. Raises StepFailed when the file cannot be read."""
    waveform, rate = read_mono(path)
    return np.ascontiguousarray(soxr.resample(waveform, rate, RATE), np.float32)


def find_speech(waveform: Waveform) -> list[Span] | None:
    """Where [N] at 16 kHz is speech, by Silero's detector; None where that is not installed or
    the clip is shorter than it needs."""
    chunks = speech_chunks(waveform, RATE) if can_detect_speech() else np.empty(0, np.bool_)
    if not len(chunks):
        return None
    edges = np.flatnonzero(np.diff(chunks, prepend=False, append=False)) * CHUNK_SECONDS
    return _joined(list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)))


def _joined(spans: Sequence[Span]) -> list[Span]:
    """Spans with only a breath between them are one."""
    joined: list[Span] = []
    for start, end in spans:
        if joined and start - joined[-1][1] < _JOINED_GAP_SECONDS:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def cut_pieces(waveform: Waveform, speech: Sequence[Span] | None) -> list[Span]:
    """Pieces of [N] at 16 kHz, none longer than 30 s, that hold all of its speech.

    `speech` None: it is not known where the speech is, so everything is kept.
    """
    seconds = len(waveform) / RATE
    if speech is None:
        speech = [(0.0, seconds)]
    if not speech:
        return []
    start = max(0.0, speech[0][0] - _KEPT_AROUND_SECONDS)
    end = min(seconds, speech[-1][1] + _KEPT_AROUND_SECONDS)
    if end - start <= MAX_SECONDS:
        return [(start, end)]
    whole = (int(start / _FRAME_SECONDS), int(end / _FRAME_SECONDS))
    frames = split_range(_levels(waveform, speech), whole, int(MAX_SECONDS / _FRAME_SECONDS) - 1)
    middles = [(first + 0.5) * _FRAME_SECONDS for first, _ in frames[1:]]
    return list(pairwise([start, *middles, end]))


def _levels(waveform: Waveform, speech: Sequence[Span]) -> NDArray[np.float32]:
    """The RMS of each frame, 0 outside speech: there a cut is best."""
    size = int(_FRAME_SECONDS * RATE)
    padded = np.pad(waveform, (0, -len(waveform) % size + size))
    levels = np.sqrt(np.square(padded.reshape(-1, size)).mean(axis=1))
    inside = np.zeros(len(levels), np.bool_)
    for start, end in speech:
        inside[int(start / _FRAME_SECONDS) : int(end / _FRAME_SECONDS) + 1] = True
    return np.where(inside, levels, 0).astype(np.float32)


def samples_of(waveform: Waveform, piece: Span) -> Waveform:
    return waveform[round(piece[0] * RATE) : round(piece[1] * RATE)]
