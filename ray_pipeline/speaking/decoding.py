"""The thread that makes tokens: the pieces of all requests, in the rows of their voices' decoders.

    waiting ── the one whose listener runs dry first ──> a row ── step, step … ──> sounding
       ^────────────────── came out badly: again ───────────────────┘

Each round lets at most one piece begin, as reading its prefix keeps the others waiting, and then
steps each voice's decoder once. Only the few most urgent begin and step: of eight that were made
together none would become sound before all of them. While somebody has nothing more to hear soon,
only such pieces do. What was cancelled is dropped before the next step.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from ray_pipeline.speaking.counts import Counts
from ray_pipeline.speaking.request import Work
from ray_pipeline.speaking.speed import Speed
from ray_pipeline.voice.speech import TokenMaker, Voice

_log = logging.getLogger(__name__)
_IDLE_SECONDS = 1.0
_SWEEP_SECONDS = 5.0
# A piece comes before all others where it would be made with less than that to spare.
_SPARE_SECONDS = 2.0


@dataclass
class _Running:
    """A voice's decoder, and the piece in each of its rows."""

    maker: TokenMaker
    rows: dict[int, Work] = field(default_factory=dict)


class Decoding:
    """`part` is given the tokens so far of a piece that is wanted fast, `done` each piece that
    needs no further attempt; `sweep` is called every few seconds. At most `num_rows` pieces have
    begun at a time, of all voices, and `num_together` of them step, but of each voice one."""

    def __init__(
        self,
        part: Callable[[Work, list[int]], None],
        done: Callable[[Work], None],
        counts: Counts,
        speed: Speed,
        *,
        num_rows: int,
        num_together: int,
        sweep: Callable[[], None] = lambda: None,
    ) -> None:
        self._part, self._done, self._sweep = part, done, sweep
        self._swept_at = time.monotonic()
        self._counts, self._speed = counts, speed
        self._num_rows, self._num_together = num_rows, num_together
        self._waiting: list[Work] = []
        self._changed = threading.Condition()
        self._closed = False
        # Of voices that are loaded; only the thread touches what is in here.
        self._running: WeakKeyDictionary[Voice, _Running] = WeakKeyDictionary()
        self._thread = threading.Thread(target=self._run, name="decode", daemon=True)
        self._thread.start()

    def put(self, work: Work) -> None:
        work.tokens_seconds = 0.0
        with self._changed:
            self._waiting.append(work)
            self._changed.notify()

    def wake(self) -> None:
        """Something was cancelled."""
        with self._changed:
            self._changed.notify()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    @property
    def num_waiting(self) -> int:
        return len(self._waiting)

    @property
    def num_running(self) -> int:
        return sum(len(running.rows) for running in list(self._running.values()))

    def _run(self) -> None:
        while not self._closed:
            self._drop_cancelled()
            waiting = self._ready_to_begin()
            running = [work for one in self._running.values() for work in one.rows.values()]
            chosen = self._choose([*running, *waiting])
            work = next((one for one in waiting if one in chosen), None)
            if work is not None:
                self._begin(work)
            for one in list(self._running.values()):
                rows = [row for row, work in one.rows.items() if work in chosen]
                if rows:
                    self._step(one, rows)
            if not running and not waiting:
                self._rest()
            if time.monotonic() - self._swept_at > _SWEEP_SECONDS:
                self._sweep()
                self._swept_at = time.monotonic()

    def _rest(self) -> None:
        with self._changed:
            if not self._waiting and not self._closed:
                self._changed.wait(_IDLE_SECONDS)

    def _drop_cancelled(self) -> None:
        with self._changed:
            self._waiting = [work for work in self._waiting if not work.request.cancelled]
        for running in self._running.values():
            for row, work in list(running.rows.items()):
                if work.request.cancelled:
                    running.maker.drop(row)
                    del running.rows[row]

    def _ready_to_begin(self) -> list[Work]:
        """Pieces that wait, the most urgent first; none where all rows are taken."""
        if self.num_running >= self._num_rows:
            return []
        with self._changed:
            return sorted(self._waiting, key=lambda work: work.dry_at)

    def _choose(self, works: Iterable[Work]) -> set[Work]:
        """Those that step, or begin: the most urgent, and that of each voice, as voices do not
        share a step and one of them may be much faster. Nobody comes beside those that press."""
        urgent = sorted(works, key=lambda work: work.dry_at)
        soon = time.monotonic() + _SPARE_SECONDS
        urgent = [work for work in urgent if self._latest_begin(work) < soon] or urgent
        of_voice = {work.request.voice: work for work in reversed(urgent)}
        return {*urgent[: self._num_together], *of_voice.values()}

    def _latest_begin(self, work: Work) -> float:
        """Before anything of a request is heard, only its first piece presses."""
        if work.request.started_at is None and not work.is_first:
            return math.inf
        version, seconds = work.request.voice.version, work.missing_seconds
        return work.dry_at - self._speed.seconds_to_make(version, seconds)

    def _begin(self, work: Work) -> None:
        voice = work.request.voice
        with self._changed:
            self._waiting.remove(work)
        try:
            if voice not in self._running:
                self._running[voice] = _Running(voice.token_maker(self._num_rows))
            running = self._running[voice]
            attempts = work.attempts
            work.begin_parts()
            begun = time.monotonic()
            row = running.maker.begin(attempts.reading, attempts.number, attempts.seed)
            self._speed.began(voice.version, time.monotonic() - begun)
            running.rows[row] = work
        except Exception as error:  # of whatever kind: the others go on
            self._fail([work], error)

    def _step(self, running: _Running, rows: list[int]) -> None:
        version = running.rows[rows[0]].request.voice.version
        begun, made = time.monotonic(), 0.0
        try:
            finished = running.maker.step(rows)
        except Exception as error:
            works = list(running.rows.values())
            for row in running.rows:
                running.maker.drop(row)
            running.rows.clear()
            self._fail(works, error)
            return
        took = time.monotonic() - begun
        for row, said in finished:
            work = running.rows.pop(row)
            made += self._has(work, len(said.tokens))
            self._counts.tokens += len(said.tokens)
            if work.attempts.judge(said) or work.parts_begun:
                self._done(work)
            else:
                self._counts.retries += 1
                self.put(work)
        for row, work in running.rows.items():
            if row not in rows:
                continue
            tokens = running.maker.tokens(row)
            made += self._has(work, len(tokens))
            if work.boundary is not None and work.reached(len(tokens)):
                self._part(work, list(tokens))
        if made > 0:
            self._speed.stepped(version, len(rows), took, made)

    def _has(self, work: Work, num_tokens: int) -> float:
        """So many tokens of a piece are there; the seconds of sound that this is more."""
        before = work.tokens_seconds
        work.tokens_seconds = num_tokens / work.request.voice.tokens_per_second
        return work.tokens_seconds - before

    def _fail(self, works: list[Work], error: Exception) -> None:
        _log.exception("a piece could not be decoded", exc_info=error)
        for work in works:
            work.request.cancelled = True
            work.request.fail(error)
