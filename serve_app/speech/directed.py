"""Texts with directions, spoken: each span by its own order, one after another, as one speech.

The span that follows is made while the one before is heard, so that nothing is waited for between
them. A change of language, voice or speed ends a piece: a voice says each span by itself.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ray_pipeline.core.audio_format import SAMPLE_RATE, Waveform
from ray_pipeline.core.errors import InvalidInput
from ray_pipeline.core.speech import NUM_SEEDS
from ray_pipeline.speaking.order import Finished, Part, PieceEnd, Sound, SpeechOrder, Started
from ray_pipeline.text.markup import Break, Span, parse_markup
from serve_app.speech.choosing import Chooser, Chosen, OnRefusal, Wanted

Speak = Callable[[SpeechOrder], AsyncGenerator[Part]]

MOST_SPANS = 100
_SEEDS_APART = 1000
# Parts of the next span that are made before the one before it is over.
_PARTS_AHEAD = 32
# A span that goes on in the next one has no pause behind it.
_GOES_ON = re.compile(r"[^.!?。！？…;；:：,，、\s]\s*$")


def choose_spans(
    chooser: Chooser,
    wanted: Wanted,
    text: str,
    on_refusal: OnRefusal | None = None,
    most_spans: int = MOST_SPANS,
) -> list[Chosen | Break]:
    """Who says what, and the pauses between. Raises InvalidInput for directions that cannot be
    followed, and as `Chooser.choose` does."""
    parts = [part for part in parse_markup(text) if isinstance(part, Break) or _says(part)]
    spans = [part for part in parts if isinstance(part, Span)]
    if not spans:
        raise InvalidInput(
            "The text has nothing that can be said.", hint="Give at least one word.", field="input"
        )
    if len(spans) > most_spans:
        raise InvalidInput(
            f"The text changes its manner {len(spans)} times; {most_spans} are taken.",
            hint="Send it in several requests.",
            field="input",
        )
    first = chooser.choose(_of_span(wanted, spans[0], parts, 0), (), on_refusal)
    seed = first.order.settings.seed
    chosen: list[Chosen | Break] = []
    number = 0
    for place, part in enumerate(parts):
        if isinstance(part, Break):
            chosen.append(part)
            continue
        drawn = replace(wanted, seed=(seed + number * _SEEDS_APART) % NUM_SEEDS)
        chosen.append(chooser.choose(_of_span(drawn, part, parts, place), (), on_refusal))
        number += 1
    return chosen


def _says(span: Span) -> bool:
    return re.search(r"\w", span.text) is not None


def _of_span(wanted: Wanted, span: Span, parts: Sequence[Span | Break], place: int) -> Wanted:
    manner = dict(wanted.manner)
    if span.speed != 1.0:
        manner["speed"] = float(manner.get("speed", 1.0)) * span.speed
    followed = place + 1 < len(parts)
    if followed and (isinstance(parts[place + 1], Break) or _GOES_ON.search(span.text)):
        manner["pause_seconds"] = 0.0
    return replace(
        wanted,
        text=span.text.strip(),
        voice=span.voice or wanted.voice,
        mode=span.language or wanted.mode,
        # A recording of one voice is none of another's.
        mood=wanted.mood if span.voice in (None, wanted.voice) else "",
        manner=manner,
        dictionary={**wanted.dictionary, **span.dictionary},
    )


async def speak_spans(speak: Speak, spans: Sequence[Chosen | Break]) -> AsyncGenerator[Part]:
    """The parts of all spans as those of one speech: pieces are counted through, and the digest is
    of the whole."""
    whole = _Whole()
    streams: list[_Stream | None] = []
    for span in spans:
        if isinstance(span, Break):
            streams.append(None)
        else:
            # Who was let in with the first is not refused in the middle of a text.
            follows = any(stream is not None for stream in streams)
            order = replace(span.order, promised=span.order.promised or follows)
            streams.append(_Stream(speak, order))
    try:
        for place, (span, stream) in enumerate(zip(spans, streams, strict=True)):
            if stream is None:
                assert isinstance(span, Break)
                yield whole.add(Sound(0, _silence(span.seconds)))
                continue
            following = next((one for one in streams[place + 1 :] if one is not None), None)
            async with aclosing(stream.parts()) as parts:
                async for part in parts:
                    if isinstance(part, Sound) and following is not None:
                        following.begin()
                    if not isinstance(part, Finished):
                        yield whole.add(part)
            whole.next_span()
        yield whole.finished()
    finally:
        for stream in streams:
            if stream is not None:
                await stream.close()


def _silence(seconds: float) -> Waveform:
    return np.zeros(int(seconds * SAMPLE_RATE), dtype=np.float32)


@dataclass
class _Whole:
    """Numbers pieces through, and keeps account of all samples."""

    pieces: int = 0
    _of_span: int = 0
    _samples: int = 0
    _digest: Any = field(default_factory=hashlib.sha256)

    def add(self, part: Part) -> Part:
        if isinstance(part, Started):
            self._of_span = part.num_pieces
            return replace(part, num_pieces=self.pieces + part.num_pieces)
        if isinstance(part, Sound):
            self._samples += len(part.wav)
            self._digest.update(part.wav.astype("<f4", copy=False).tobytes())
            return replace(part, piece=self.pieces + part.piece)
        if isinstance(part, PieceEnd):
            return replace(part, piece=self.pieces + part.piece)
        return part

    def next_span(self) -> None:
        self.pieces += self._of_span

    def finished(self) -> Finished:
        digest: str = self._digest.hexdigest()
        return Finished(self._samples / SAMPLE_RATE, self.pieces, digest)


class _Stream:
    """The parts of one span, which a task fetches some ahead."""

    def __init__(self, speak: Speak, order: SpeechOrder) -> None:
        self._speak, self._order = speak, order
        self._ready: asyncio.Queue[Part | BaseException | None] = asyncio.Queue(_PARTS_AHEAD)
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._fetch())

    async def parts(self) -> AsyncGenerator[Part]:
        self.begin()
        while (part := await self._ready.get()) is not None:
            if isinstance(part, BaseException):
                raise part
            yield part

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await self._task

    async def _fetch(self) -> None:
        try:
            async with aclosing(self._speak(self._order)) as parts:
                async for part in parts:
                    await self._ready.put(part)
        except Exception as error:  # raised where the parts are read
            await self._ready.put(error)
        else:
            await self._ready.put(None)
