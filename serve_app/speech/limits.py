"""How many may listen at a time, and for how long a silence is borne."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager

from starlette.requests import HTTPConnection

from ray_pipeline.core.errors import Busy, InvalidInput, Unavailable
from ray_pipeline.speaking.order import Part, SpeechOrder
from serve_app.speech.speaker import Speaker

TIMEOUT_HEADER = "X-Request-Timeout-Seconds"
_RETRY_AFTER_SECONDS = 5


class SpeechGate:
    """Lets so many streams of one client in; 0: any number. Bounds of all together are those of
    `Reserve` and of the engine."""

    def __init__(self, most_per_client: int, silent_seconds: float) -> None:
        self._most = most_per_client
        self._silent_seconds = silent_seconds
        self._open: Counter[str] = Counter()

    @contextmanager
    def place(self, client: str) -> Iterator[None]:
        """Raises Busy where the client has all that it may."""
        if self._most and self._open[client] >= self._most:
            raise Busy(
                f"{self._most} streams to this client are open, which is all it may have.",
                hint="Wait for one of them to end.",
                retry_after_s=_RETRY_AFTER_SECONDS,
            )
        self._open[client] += 1
        try:
            yield
        finally:
            self._open[client] -= 1
            if not self._open[client]:
                del self._open[client]

    async def speak(
        self, speaker: Speaker, order: SpeechOrder, client: str, within: float | None = None
    ) -> AsyncGenerator[Part]:
        """The parts of an order, in a place of the client's own. Raises Busy, and what `timed`
        raises."""
        with self.place(client):
            async with aclosing(self.timed(speaker, order, within)) as parts:
                async for part in parts:
                    yield part

    async def timed(
        self, speaker: Speaker, order: SpeechOrder, within: float | None = None
    ) -> AsyncGenerator[Part]:
        """Raises Unavailable where the next part does not come, or not all of them `within`
        seconds."""
        end = None if within is None else asyncio.get_running_loop().time() + within
        async with aclosing(speaker.speak(order)) as parts:
            while (part := await self._next(parts, end)) is not None:
                yield part

    async def _next(self, parts: AsyncGenerator[Part], end: float | None) -> Part | None:
        latest = asyncio.get_running_loop().time() + self._silent_seconds
        try:
            async with asyncio.timeout_at(latest if end is None else min(latest, end)):
                return await anext(parts, None)
        except TimeoutError:
            raise Unavailable(
                "The speech was not made in time.",
                hint=f"Ask for less text, or for more time ({TIMEOUT_HEADER}, "
                "GSV_SPEECH_TIMEOUT_SECONDS).",
            ) from None


def time_allowed(connection: HTTPConnection) -> float | None:
    """What the request's header says, in seconds. Raises InvalidInput for what is no time."""
    written = connection.headers.get(TIMEOUT_HEADER)
    if written is None:
        return None
    try:
        seconds = float(written)
    except ValueError:
        seconds = -1
    if not 0 < seconds < float("inf"):
        raise InvalidInput(
            f"{written[:40]!r} is no number of seconds.",
            hint="Leave the header out, or write a number above 0.",
            field=f"header.{TIMEOUT_HEADER}",
        )
    return seconds
