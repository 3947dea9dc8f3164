"""From files to what is said in them: speech first, then pieces in batches, then the clips again.

The same for every back-end. A clip that fails comes back with its reason; the others of its
batch are recognised all the same.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ray_pipeline.asr.backends import RecogniserChoice, load_recogniser
from ray_pipeline.asr.pieces import RATE, Span, cut_pieces, read_clip, samples_of
from ray_pipeline.asr.recogniser import Recogniser, Recognition, repeats
from ray_pipeline.core.audio_format import Waveform
from ray_pipeline.core.errors import PipelineError, StepFailed
from ray_pipeline.core.languages import WRITTEN_WITHOUT_SPACES

_log = logging.getLogger(__name__)


@dataclass
class _Opened:
    """A clip's sound, [N] at 16 kHz, where its speech is, and what each piece of it gave."""

    waveform: Waveform
    speech: list[Span] | None
    pieces: list[Span]
    answers: dict[int, Recognition] = field(default_factory=dict)


def transcribe(
    paths: Sequence[Path],
    language: str | None,
    choice: RecogniserChoice,
    *,
    use_gpu: bool = False,
    num_threads: int = 1,
) -> list[Recognition]:
    """What is said in each clip, in order. The model is loaded once a process and kept.

    One that cannot be read or recognised comes back with its `problem`. Raises BadModelFile for
    a model that cannot be loaded.
    """
    return recognise_files(load_recogniser(choice, use_gpu, num_threads), paths, language)


def recognise_files(
    recogniser: Recogniser, paths: Sequence[Path], language: str | None
) -> list[Recognition]:
    """What is said in each file, in order."""
    opened = [_opened(recogniser, path) for path in paths]
    clips = [clip for clip in opened if isinstance(clip, _Opened)]
    # Pieces of about the same length together: a batch is as long as its longest.
    numbered = sorted(
        ((clip, number) for clip in clips for number in range(len(clip.pieces))),
        key=lambda pair: _seconds(pair[0].pieces[pair[1]]),
    )
    for first in range(0, len(numbered), recogniser.batch_size):
        batch = numbered[first : first + recogniser.batch_size]
        pieces = [samples_of(clip.waveform, clip.pieces[number]) for clip, number in batch]
        answers = _recognised(recogniser, pieces, language)
        for (clip, number), answer in zip(batch, answers, strict=True):
            clip.answers[number] = answer
    return [clip if isinstance(clip, Recognition) else _whole(clip, language) for clip in opened]


def _opened(recogniser: Recogniser, path: Path) -> _Opened | Recognition:
    try:
        waveform = read_clip(path)
        speech = recogniser.find_speech(waveform)
    except StepFailed as error:
        return Recognition("", "", None, problem=str(error))
    except PipelineError:
        raise
    except Exception as error:
        return _failed(error)
    return _Opened(waveform, speech, cut_pieces(waveform, speech))


def _recognised(
    recogniser: Recogniser, pieces: list[Waveform], language: str | None
) -> list[Recognition]:
    """One answer a piece. A batch that fails as a whole (one of it is odd, or memory ran out) is
    tried piece by piece."""
    try:
        return recogniser.recognise(pieces, language)
    except PipelineError:
        raise
    except Exception as error:
        if len(pieces) > 1:
            return [_recognised(recogniser, [piece], language)[0] for piece in pieces]
        return [_failed(error)]


def _failed(error: Exception) -> Recognition:
    _log.exception("a clip could not be recognised")  # the sentence alone would not find a bug
    return Recognition("", "", None, problem=f"{type(error).__name__}: {error}")


def _whole(clip: _Opened, language: str | None) -> Recognition:
    """The pieces of a clip together. Its language is that of its longest piece, its confidence
    their mean weighted by their lengths."""
    answers = [clip.answers[number] for number in range(len(clip.pieces))]
    problem = next((piece.problem for piece in answers if piece.problem), "")
    if not answers or problem:
        return Recognition("", language or "", None, problem=problem)
    seconds = [_seconds(piece) for piece in clip.pieces]
    spoken = max(zip(seconds, answers, strict=True), key=lambda pair: pair[0])[1].language
    text = (
        ("" if spoken in WRITTEN_WITHOUT_SPACES else " ")
        .join(piece.text for piece in answers)
        .strip()
    )
    known = [(s, p.confidence) for s, p in zip(seconds, answers, strict=True) if p.text]
    if not text or any(confidence is None for _, confidence in known):
        confidence = None
    else:
        total = sum(weight for weight, _ in known)
        confidence = round(sum(weight * (value or 0) for weight, value in known) / total, 4)
    if any(repeats(piece.text) for piece in answers):
        confidence = 0.0
    return Recognition(text, spoken, confidence, _segments(clip, answers) if text else ())


def _segments(clip: _Opened, answers: list[Recognition]) -> tuple[Span, ...]:
    """As the back-end says, else as the detector of speech does, else the pieces."""
    if any(piece.segments for piece in answers):
        spans = [
            (start + piece[0], end + piece[0])
            for piece, answer in zip(clip.pieces, answers, strict=True)
            for start, end in answer.segments
        ]
    else:
        spans = clip.speech if clip.speech is not None else clip.pieces
    end_of_clip = len(clip.waveform) / RATE
    return tuple((round(start, 2), round(min(end, end_of_clip), 2)) for start, end in spans)


def _seconds(piece: Span) -> float:
    return piece[1] - piece[0]
