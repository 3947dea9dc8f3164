"""What became of each request for an alias that tries a version, as its listener met it.

    async with aclosing(trials.watched(parts, chosen)) as parts: ...

What is told is told beside the answer: a coordinator that is away costs counts, never speech.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path

from ray_pipeline.core.audio_format import SAMPLE_RATE, Waveform
from ray_pipeline.core.errors import Busy, InvalidInput, NotFound, PipelineError, Unavailable
from ray_pipeline.core.trials import Outcome
from ray_pipeline.core.voices import VoiceAlias
from ray_pipeline.speaking.order import Part, PieceEnd, Sound
from serve_app.speech.timbre import TIMBRE_SECONDS, timbre_distance

_log = logging.getLogger(__name__)

Tell = Callable[[str, int, Outcome], Awaitable[None]]
_REFUSALS = (InvalidInput, NotFound)
# Nobody's fault but the load's, which all versions share.
_UNCOUNTED = (Busy, Unavailable)
_MOST_UNTOLD = 1000


@dataclass(frozen=True)
class Tried:
    """The version that an alias's request got, and the recording it imitates."""

    alias: VoiceAlias
    version: int
    recording: Path | None = None


class Trials:
    """`tell` takes alias, version and outcome to where they are kept."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._telling: set[asyncio.Task[None]] = set()

    @property
    def busy(self) -> bool:
        """Whether something is still being told."""
        return bool(self._telling)

    async def watched(
        self, parts: AsyncGenerator[Part], tried: Tried | None
    ) -> AsyncGenerator[Part]:
        """The same parts; what became of them is told at the end, if that was a trial."""
        if tried is None:
            async with aclosing(parts):
                async for part in parts:
                    yield part
            return
        listener = Listener()
        try:
            async with aclosing(parts):
                while (next_part := await listener.wait_for(anext(parts, None))) is not None:
                    listener.hear(next_part)
                    yield next_part
            self.ended(tried, listener)
        except (GeneratorExit, asyncio.CancelledError):
            self.ended(tried, listener, left=True)
            raise
        except Exception as error:
            self.ended(tried, listener, error)
            raise

    def ended(
        self,
        tried: Tried,
        listener: Listener,
        error: Exception | None = None,
        *,
        left: bool = False,
    ) -> None:
        """One request is over. Within an event loop."""
        if isinstance(error, _UNCOUNTED) or len(self._telling) >= _MOST_UNTOLD:
            return
        task = asyncio.create_task(self._send(tried, listener, error, left=left))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _send(
        self, tried: Tried, listener: Listener, error: Exception | None, *, left: bool
    ) -> None:
        try:
            outcome = await asyncio.to_thread(
                listener.outcome, error, left=left, recording=tried.recording
            )
            await self._tell(tried.alias.name, tried.version, outcome)
        except NotFound:
            pass  # the alias was taken away meanwhile
        except PipelineError as problem:
            _log.warning("what became of a request was not counted: %s", problem)
        except Exception:
            _log.exception("what became of a request was not counted")


@dataclass
class Listener:
    """Plays what comes as soon as it comes: silent when it has to wait for more. Time in which it
    did not ask for more is never a silence."""

    clock: Callable[[], float] = time.monotonic
    _first_sound: float | None = None
    _ahead_seconds: float = 0.0
    _came_at: float = 0.0
    _gap_seconds: float = 0.0
    _sound_seconds: float = 0.0
    _ends: list[PieceEnd] = field(default_factory=list)
    _sample: list[Waveform] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._asked_at = self.clock()

    async def wait_for(self, coming: Awaitable[Part | None]) -> Part | None:
        begun = self.clock()
        self._ahead_seconds = max(0.0, self._ahead_seconds - (begun - self._came_at))
        part = await coming
        self._came_at = self.clock()
        if self._first_sound is not None and part is not None:
            left = self._ahead_seconds - (self._came_at - begun)
            self._gap_seconds += max(0.0, -left)
            self._ahead_seconds = max(0.0, left)
        return part

    def hear(self, part: Part) -> None:
        if isinstance(part, Sound) and len(part.wav):
            seconds = len(part.wav) / SAMPLE_RATE
            if self._first_sound is None:
                self._first_sound = self.clock() - self._asked_at
            self._ahead_seconds += seconds
            if self._sound_seconds < TIMBRE_SECONDS:
                self._sample.append(part.wav)
            self._sound_seconds += seconds
        elif isinstance(part, PieceEnd):
            self._ends.append(part)

    def outcome(
        self,
        error: Exception | None = None,
        *,
        left: bool = False,
        recording: Path | None = None,
    ) -> Outcome:
        """Takes milliseconds."""
        heard = [end.facts for end in self._ends if end.facts.get("verified")]
        pairs = [(letters(each["norm_text"]), letters(each["heard"])) for each in heard]
        return Outcome(
            refused=isinstance(error, _REFUSALS),
            failed=error is not None and not isinstance(error, _REFUSALS),
            left=left,
            pieces=len(self._ends),
            retries=sum(end.attempts - 1 for end in self._ends),
            lost=sum(bool(end.problem) for end in self._ends),
            first_sound_seconds=self._first_sound,
            gap_seconds=self._gap_seconds,
            sound_seconds=self._sound_seconds,
            timbre_distance=timbre_distance(self._sample, recording) if recording else None,
            letters=sum(len(said) for said, _ in pairs),
            letter_errors=sum(edits(said, got) for said, got in pairs),
        )


def letters(text: str) -> str:
    """What of a text is said, without marks, blanks and capitals."""
    return re.sub(r"[\W_]", "", text).casefold()


def edits(said: str, heard: str) -> int:
    """Letters to insert, take away or change (Levenshtein)."""
    before = list(range(len(heard) + 1))
    for row, letter in enumerate(said, 1):
        line = [row]
        for column, other in enumerate(heard, 1):
            changed = before[column - 1] + (letter != other)
            line.append(min(changed, before[column] + 1, line[-1] + 1))
        before = line
    return before[-1]
