"""A request that is being spoken: its pieces, how far its listener is, and when they run dry."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ray_pipeline.speaking.admission import Outlook, Stretch
from ray_pipeline.speaking.order import Part, PieceEnd, Sound, SpeechOrder
from ray_pipeline.voice.saying import Attempts
from ray_pipeline.voice.speech import Reading, SoundInParts, Voice

# Phones a second, for pieces that were not said yet.
_USUAL_RATE = 11.0
# For so long who does not listen lets those who do go first.
PATIENCE_SECONDS = 60.0
# About those in which a piece comes that is wanted fast; the last over and over.
_STRETCHES = (0.4, 0.64, 1.0, 2.0)


@dataclass(eq=False)
class Request:
    """Made and listened to by an event loop; threads `send` to it."""

    order: SpeechOrder
    voice: Voice
    reading: Reading
    arrived_at: float
    loop: asyncio.AbstractEventLoop
    cancelled: bool = False
    started_at: float | None = None
    num_taken: int = 0
    _inbox: asyncio.Queue[tuple[int, Sequence[Part]] | BaseException] = field(
        default_factory=asyncio.Queue
    )

    def __post_init__(self) -> None:
        rate = self.reading.usual_rate or _USUAL_RATE
        pause = self.reading.settings.pause_seconds
        speed = self.reading.settings.speed
        self._seconds = [len(piece.phones) / rate / speed + pause for piece in self.reading.pieces]
        self._parked: dict[int, list[Part]] = {}
        self._works: dict[int, Work] = {}
        self.num_taken = self.order.start_piece

    @property
    def num_pieces(self) -> int:
        return len(self.reading.pieces)

    def dry_at(self, number: int) -> float:
        """When the listener has heard all that comes before piece `number`: by then its sound
        should be there. The first of them is always late; as long as it is not heard the others
        have time."""
        if not self.order.played:
            return self.arrived_at + PATIENCE_SECONDS
        first = self.order.start_piece
        if number == first:
            return self.arrived_at if self.started_at is None else self.started_at
        begun = time.monotonic() if self.started_at is None else self.started_at
        return begun + sum(self._seconds[first:number])

    def seconds_of(self, number: int) -> float:
        """How long piece `number` is, about."""
        return self._seconds[number]

    def waiting_seconds(self) -> float:
        """How much speech is still to be made, about."""
        return sum(self._seconds[self.num_taken :])

    def begin(self, number: int) -> Work:
        """Piece `number` is to be made now."""
        self._works[number] = work = Work(self, Attempts(self.reading, number))
        return work

    def outlook(self, now: float) -> Outlook:
        """What is left of it, for the promise to those who listen."""
        stretches: list[Stretch] = []
        after = sum(self._seconds[self.order.start_piece : self.num_taken])
        for number in range(self.num_taken, self.num_pieces):
            work, seconds = self._works.get(number), self._seconds[number]
            if work is None or not work.is_made:
                there = 0.0 if work is None else min(seconds, work.tokens_seconds)
                given = 0.0 if work is None else work.given_seconds
                stretches += self._stretches(seconds, there, given, after)
            after += seconds
        played = self.order.played
        return Outlook(
            self.voice.version,
            self.arrived_at,
            None if self.started_at is None else self.started_at - now,
            stretches,
            None if played else self.arrived_at + PATIENCE_SECONDS - now,
        )

    def _stretches(
        self, seconds: float, there: float, given: float, after: float
    ) -> Iterator[Stretch]:
        """Of a piece, of which the tokens of `there` seconds and the sound of `given` are made."""
        lengths = iter(_STRETCHES if self.order.latency == "fast" else (seconds,))
        begin, length = 0.0, 0.0
        while begin < seconds:
            length = next(lengths, length)
            end = min(seconds, begin + length)
            if end > given:
                missing = end - max(begin, there, given)
                sound = end - max(begin, given)
                yield Stretch(max(0.0, missing), sound, after + begin, begins=not begin > there)
            begin = end

    def send(self, number: int, parts: Sequence[Part]) -> None:
        """From any thread: what was made of a piece."""
        self._post((number, parts))

    def fail(self, error: BaseException) -> None:
        """From any thread: there will be no more."""
        self._post(error)

    async def parts_of(self, number: int) -> list[Part]:
        """Those that are there of piece `number`, at least one; of others are kept for later.
        Raises what the request failed with."""
        while number not in self._parked:
            message = await self._inbox.get()
            if isinstance(message, BaseException):
                raise message
            sent, parts = message
            self._parked.setdefault(sent, []).extend(parts)
        return self._parked.pop(number)

    def heard(self, part: Part) -> None:
        """The listener took a part."""
        if isinstance(part, Sound):
            if self.started_at is None:
                self.started_at = time.monotonic()
        elif isinstance(part, PieceEnd):
            self._seconds[part.piece] = part.seconds + self.reading.settings.pause_seconds
            self.num_taken = part.piece + 1
            self._works.pop(part.piece, None)

    def _post(self, message: tuple[int, Sequence[Part]] | BaseException) -> None:
        try:
            self.loop.call_soon_threadsafe(self._inbox.put_nowait, message)
        except RuntimeError:  # the loop is closed: nobody listens any more
            self.cancelled = True


@dataclass(eq=False)
class Work:
    """A piece on its way: to be decoded, then to become sound. With `parts` some of its sound is
    made before all of its tokens are: next at `boundary` of them. So far there are tokens for
    `tokens_seconds` of it and sound of `given_seconds`; `is_made`: all of its sound."""

    request: Request
    attempts: Attempts
    parts: SoundInParts | None = None
    boundaries: Iterator[int] = field(default_factory=lambda: iter(()))
    boundary: int | None = None
    given_seconds: float = 0.0
    tokens_seconds: float = 0.0
    is_made: bool = False
    facts: dict[str, Any] = field(default_factory=dict)
    _asked: int = 0

    @property
    def number(self) -> int:
        return self.attempts.number

    @property
    def dry_at(self) -> float:
        """When its listener will have heard all that was made so far."""
        return self.request.dry_at(self.number) + self.given_seconds

    @property
    def is_first(self) -> bool:
        """What is heard first of its request."""
        return self.number == self.request.order.start_piece

    @property
    def missing_seconds(self) -> float:
        """How much of it is still to be made, about."""
        return max(0.0, self.request.seconds_of(self.number) - self.tokens_seconds)

    def begin_parts(self) -> None:
        """Of the next attempt, if it was asked for and gains anything."""
        if self.request.order.latency == "fast":
            self.parts = self.attempts.reading.sound_in_parts(self.number, self.attempts.seed)
            self.boundaries = iter(()) if self.parts is None else self.parts.boundaries
            self.boundary = next(self.boundaries, None)

    @property
    def parts_begun(self) -> bool:
        """Some of it may have been heard, so that it cannot be said again."""
        return self._asked > 0

    def reached(self, num_tokens: int) -> bool:
        """Whether sound is to be made of so many tokens; asked after each."""
        if num_tokens != self.boundary:
            return False
        self.boundary = next(self.boundaries, None)
        self._asked += 1
        return True
