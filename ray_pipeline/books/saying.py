"""A block becomes two files: its sound, and what is known of its pieces."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import soundfile

from ray_pipeline.audio.wav import to_int16
from ray_pipeline.books.book import Block, BookFolder
from ray_pipeline.core.audio_format import SAMPLE_RATE, Waveform
from ray_pipeline.core.errors import InvalidInput
from ray_pipeline.core.workspace import atomic_path, atomic_write
from ray_pipeline.speaking.order import Part, PieceEnd, Sound, SpeechOrder, Started

_SILENCE_FOR_NOTHING = 0.2
# Gives the parts of an order, as an engine does, from any thread. Raises as the engine does.
Speak = Callable[[SpeechOrder], Iterable[Part]]


@dataclass(frozen=True)
class Said:
    """`pieces` have text, start and end in seconds of the block, problem, and words with times."""

    seconds: float
    pieces: list[dict[str, Any]]
    left_out: list[str]

    @property
    def problems(self) -> list[str]:
        return [
            f"{piece['text'].strip()}: {piece['problem']}"
            for piece in self.pieces
            if piece["problem"]
        ]


def say(
    folder: BookFolder,
    number: int,
    block: Block,
    order: SpeechOrder,
    speak: Speak,
    is_wanted: Callable[[], bool],
) -> Said | None:
    """Have a block said and its files written; None when it was not wanted any more. A text of
    which nothing can be said is left out, and told."""
    waves: list[Waveform] = []
    pieces: list[dict[str, Any]] = []
    left_out: list[str] = []
    samples = start = 0
    try:
        for part in [] if block.silence else _closing(speak(order)):
            if not is_wanted():
                return None
            if isinstance(part, Started):
                left_out += part.left_out
            elif isinstance(part, Sound):
                waves.append(part.wav)
                samples += len(part.wav)
            elif isinstance(part, PieceEnd):
                begin = start / SAMPLE_RATE
                piece = {"text": part.text, "start": begin, "end": begin + part.seconds}
                words = [
                    {**word, "start": begin + word["start"], "end": begin + word["end"]}
                    for word in part.facts.get("words", ())
                ]
                pieces.append({**piece, "problem": part.problem, "words": words})
                start = samples
    except InvalidInput:
        waves, pieces, left_out = [], [], [block.text]
    if not waves:
        silence = block.silence or _SILENCE_FOR_NOTHING
        waves = [np.zeros(int(silence * SAMPLE_RATE), dtype=np.float32)]
    wav = np.concatenate(waves)
    said = Said(len(wav) / SAMPLE_RATE, pieces, left_out)
    facts = {"seconds": said.seconds, "pieces": pieces, "left_out": left_out}
    atomic_write(folder.facts_of(number), json.dumps(facts, ensure_ascii=False))
    # Last: a block is said once this is there.
    with atomic_path(folder.sound_of(number), durable=True) as partial:
        soundfile.write(partial, to_int16(wav), SAMPLE_RATE, subtype="PCM_16", format="FLAC")
    return said


def said_before(folder: BookFolder, number: int) -> Said | None:
    """What is known of a block that is there; None for one that is not."""
    if not folder.sound_of(number).exists():
        return None
    return Said(**json.loads(folder.facts_of(number).read_text("utf-8")))


def _closing(parts: Iterable[Part]) -> Iterator[Part]:
    """Ends what gives them when nobody wants more."""
    try:
        yield from parts
    finally:
        if (close := getattr(parts, "close", None)) is not None:
            close()
