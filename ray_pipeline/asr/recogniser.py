"""From files to what is said in them: speech first, then pieces in batches, then the clips again.

The same for every back-end. A clip that fails comes back with its reason; the others of its
batch are heard all the same.
"""

from __future__ import annotations

import logging
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from ray_pipeline.asr.pieces import RATE, Span, cut_pieces, read_clip, samples_of
from ray_pipeline.core.audio_format import Waveform
from ray_pipeline.core.errors import PipelineError, StepFailed

_log = logging.getLogger(__name__)

# Text that zlib shortens more than this says the same again and again (Radford et al. 2022).
REPEATS_ABOVE = 2.4

_NO_SPACES = ("zh", "ja", "yue")


@dataclass(frozen=True)
class Recognised:
    """`language` is the recogniser's code for what it heard, which need not be trainable;
    `confidence` is 0..1, None where the back-end has no such number, and 0 for a text that only
    repeats itself. `segments` are the start and end of each stretch of speech, in seconds.
    `problem` says why a clip could not be heard; its text is empty then."""

    text: str
    language: str
    confidence: float | None
    segments: tuple[Span, ...] = ()
    problem: str = ""


class Recogniser(Protocol):
    """`batch_size` pieces may be heard at once; `precision` is what it really computes in."""

    batch_size: int
    precision: str

    def find_speech(self, waveform: Waveform) -> list[Span] | None:
        """Where [N] at 16 kHz is speech; None where that cannot be told."""
        ...

    def hear(self, pieces: Sequence[Waveform], language: str | None) -> list[Recognised]:
        """What is said in each piece, [N] at 16 kHz of at most 30 s."""
        ...


@dataclass
class _Clip:
    waveform: Waveform
    speech: list[Span] | None
    pieces: list[Span]
    heard: dict[int, Recognised] = field(default_factory=dict)


def hear_clips(
    recogniser: Recogniser, paths: Sequence[Path], language: str | None
) -> list[Recognised]:
    """What is said in each file, in order."""
    opened = [_opened(recogniser, path) for path in paths]
    clips = [clip for clip in opened if isinstance(clip, _Clip)]
    # Pieces of about the same length together: a batch is as long as its longest.
    jobs = sorted(
        ((clip, number) for clip in clips for number in range(len(clip.pieces))),
        key=lambda job: _seconds(job[0].pieces[job[1]]),
    )
    for first in range(0, len(jobs), recogniser.batch_size):
        batch = jobs[first : first + recogniser.batch_size]
        pieces = [samples_of(clip.waveform, clip.pieces[number]) for clip, number in batch]
        for (clip, number), heard in zip(batch, _heard(recogniser, pieces, language), strict=True):
            clip.heard[number] = heard
    return [clip if isinstance(clip, Recognised) else _whole(clip, language) for clip in opened]


def _opened(recogniser: Recogniser, path: Path) -> _Clip | Recognised:
    try:
        waveform = read_clip(path)
        speech = recogniser.find_speech(waveform)
    except StepFailed as error:
        return Recognised("", "", None, problem=str(error))
    except PipelineError:
        raise
    except Exception as error:
        return _unheard(error)
    return _Clip(waveform, speech, cut_pieces(waveform, speech))


def _heard(
    recogniser: Recogniser, pieces: list[Waveform], language: str | None
) -> list[Recognised]:
    """One answer a piece. A batch that fails as a whole (one of it is odd, or memory ran out) is
    tried piece by piece."""
    try:
        return recogniser.hear(pieces, language)
    except PipelineError:
        raise
    except Exception as error:
        if len(pieces) > 1:
            return [_heard(recogniser, [piece], language)[0] for piece in pieces]
        return [_unheard(error)]


def _unheard(error: Exception) -> Recognised:
    _log.exception("a clip could not be heard")  # the sentence alone would not find a bug
    return Recognised("", "", None, problem=f"{type(error).__name__}: {error}")


def _whole(clip: _Clip, language: str | None) -> Recognised:
    """The pieces of a clip together. Its language is that of its longest piece, its confidence
    their mean weighted by their lengths."""
    heard = [clip.heard[number] for number in range(len(clip.pieces))]
    problem = next((piece.problem for piece in heard if piece.problem), "")
    if not heard or problem:
        return Recognised("", language or "", None, problem=problem)
    seconds = [_seconds(piece) for piece in clip.pieces]
    spoken = max(zip(seconds, heard, strict=True), key=lambda pair: pair[0])[1].language
    text = ("" if spoken in _NO_SPACES else " ").join(piece.text for piece in heard).strip()
    known = [(s, p.confidence) for s, p in zip(seconds, heard, strict=True) if p.text]
    if not text or any(confidence is None for _, confidence in known):
        confidence = None
    else:
        total = sum(weight for weight, _ in known)
        confidence = round(sum(weight * (value or 0) for weight, value in known) / total, 4)
    if any(repeats(piece.text) for piece in heard):
        confidence = 0.0
    return Recognised(text, spoken, confidence, _segments(clip, heard) if text else ())


def repeats(text: str) -> bool:
    return compression_ratio(text) > REPEATS_ABOVE


def compression_ratio(text: str) -> float:
    data = text.encode()
    return len(data) / len(zlib.compress(data))


def _segments(clip: _Clip, heard: list[Recognised]) -> tuple[Span, ...]:
    """As the back-end says, else as the detector of speech does, else the pieces."""
    if any(piece.segments for piece in heard):
        spans = [
            (start + piece[0], end + piece[0])
            for piece, answer in zip(clip.pieces, heard, strict=True)
            for start, end in answer.segments
        ]
    else:
        spans = clip.speech if clip.speech is not None else clip.pieces
    end_of_clip = len(clip.waveform) / RATE
    return tuple((round(start, 2), round(min(end, end_of_clip), 2)) for start, end in spans)


def _seconds(piece: Span) -> float:
    return piece[1] - piece[0]
