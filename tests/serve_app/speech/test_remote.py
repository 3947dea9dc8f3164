"""A stream over the death of replicas. Here a handle gives out an engine's parts, and dies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ray.exceptions import ActorDiedError

from ray_pipeline.core.errors import Busy, InvalidInput, Unavailable
from ray_pipeline.speaking.engine import SpeechEngine
from ray_pipeline.speaking.order import Part, PieceEnd, Sound, SpeechOrder, Started, VoiceFiles
from serve_app.speech.remote import RemoteSpeaker
from tests.speaking.conftest import TEXT, all_parts, heard, order

LONG = f"{TEXT} Nobody knows, and nobody asks. So be it."


class Handle:
    """The one of a deployment whose replicas die after so many parts, each in its turn. Sounds
    come in halves, as with latency "fast"."""

    def __init__(self, engine: SpeechEngine, deaths: list[int]) -> None:
        self._engine = engine
        self._deaths = deaths
        self.orders: list[SpeechOrder] = []
        self.num_cancelled = 0
        self.speak = self.stats = self.check = self

    def options(self, **_: Any) -> Handle:
        return self

    def remote(self, asked: SpeechOrder) -> Stream:
        self.orders.append(asked)
        left = self._deaths.pop(0) if self._deaths else None
        return Stream(self, self._parts(asked, left))

    async def _parts(self, asked: SpeechOrder, left: int | None) -> AsyncGenerator[Part]:
        async for part in self._engine.speak(asked):
            for half in _halves(part):
                if left == 0:
                    raise ActorDiedError
                left = None if left is None else left - 1
                yield half


class Stream:
    def __init__(self, handle: Handle, parts: AsyncGenerator[Part]) -> None:
        self._handle, self._parts = handle, parts

    def __aiter__(self) -> AsyncGenerator[Part]:
        return self._parts

    def cancel(self) -> None:
        self._handle.num_cancelled += 1


def _halves(part: Part) -> list[Part]:
    if not isinstance(part, Sound):
        return [part]
    middle = len(part.wav) // 2
    return [replace(part, wav=part.wav[:middle]), replace(part, wav=part.wav[middle:])]


def spoken(handle: Handle, asked: SpeechOrder) -> list[Part]:
    async def listen() -> list[Part]:
        return [part async for part in RemoteSpeaker(handle).speak(asked)]  # type: ignore[arg-type]

    return asyncio.run(listen())


@pytest.mark.parametrize("deaths", [[], [0], [1], [2], [3], [2, 1, 4], [11], [4, 4, 4, 4]])
def test_a_listener_hears_the_whole_whoever_dies(mini: VoiceFiles, deaths: list[int]) -> None:
    with SpeechEngine(Path("nowhere")) as engine:
        asked = order(mini, LONG)
        whole = asyncio.run(all_parts(engine, asked))
        handle = Handle(engine, list(deaths))
        parts = spoken(handle, asked)
    np.testing.assert_array_equal(heard(parts), heard(whole))
    assert parts[-1] == whole[-1]  # the digest, too
    assert [part for part in parts if isinstance(part, Started)] == whole[:1]
    ends = [part for part in parts if isinstance(part, PieceEnd)]
    assert ends == [part for part in whole if isinstance(part, PieceEnd)]
    # Who was let in is never refused by the next engine.
    assert all(again.promised for again in handle.orders[1:] if again.start_piece)
    assert len(handle.orders) == handle.num_cancelled >= min(2, 1 + len(deaths))


def test_who_dies_each_time_is_not_asked_for_ever(mini: VoiceFiles) -> None:
    with SpeechEngine(Path("nowhere")) as engine:
        handle = Handle(engine, [2] * 9)
        with pytest.raises(Unavailable, match="has died 3 times"):
            spoken(handle, order(mini, LONG))
    assert len(handle.orders) == 3


def test_what_the_engine_refuses_is_passed_on(mini: VoiceFiles) -> None:
    with SpeechEngine(Path("nowhere")) as engine:
        handle = Handle(engine, [])
        with pytest.raises(InvalidInput, match="nothing that can be said"):
            spoken(handle, order(mini, "?!"))
    assert Busy("x", retry_after_s=7).retry_after_s == 7
