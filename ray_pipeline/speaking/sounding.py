"""The threads that make sound of tokens, the piece whose listener runs dry first before others."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np

from ray_pipeline.core.audio_format import SAMPLE_RATE, Waveform
from ray_pipeline.speaking.counts import Counts
from ray_pipeline.speaking.order import PieceEnd, Sound
from ray_pipeline.speaking.request import Work
from ray_pipeline.speaking.speed import Speed
from ray_pipeline.voice.saying import pause

_log = logging.getLogger(__name__)
# What is finished is counted by several threads.
_counting = threading.Lock()


@dataclass(frozen=True)
class _Job:
    """`tokens` are those so far of a piece that is still decoded; None where all are there."""

    work: Work
    tokens: list[int] | None


class Sounding:
    """`listen` is given the sound of a piece that is to be checked by ear. `num_threads` pieces
    become sound at a time, each on its own: no sample depends on it."""

    def __init__(
        self,
        counts: Counts,
        speed: Speed,
        listen: Callable[[Work, Waveform], None],
        *,
        num_threads: int,
    ) -> None:
        self._counts, self._speed, self._listen = counts, speed, listen
        self._waiting: list[_Job] = []
        self._making: set[Work] = set()
        self._changed = threading.Condition()
        self._closed = False
        self._threads = [
            threading.Thread(target=self._run, name=f"sound-{number}", daemon=True)
            for number in range(num_threads)
        ]
        for thread in self._threads:
            thread.start()

    def put(self, work: Work, tokens: list[int] | None = None) -> None:
        with self._changed:
            self._waiting.append(_Job(work, tokens))
            self._changed.notify_all()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    @property
    def num_waiting(self) -> int:
        return len(self._waiting)

    def _run(self) -> None:
        while (job := self._next()) is not None:
            request = job.work.request
            try:
                if not request.cancelled:
                    self._make(job.work, job.tokens)
            except Exception as error:  # of whatever kind: the others go on
                _log.exception("a piece could not be made into sound")
                request.cancelled = True
                request.fail(error)
            finally:
                self._made(job.work)

    def _next(self) -> _Job | None:
        with self._changed:
            while not (jobs := self._can_be_made()) and not self._closed:
                self._changed.wait()
            if self._closed:
                return None
            # Of jobs of one piece, whose times are equal, the first.
            job = min(jobs, key=lambda job: job.work.dry_at)
            self._waiting.remove(job)
            self._making.add(job.work)
            return job

    def _can_be_made(self) -> list[_Job]:
        """The stretches of a piece follow each other."""
        return [job for job in self._waiting if job.work not in self._making]

    def _made(self, work: Work) -> None:
        with self._changed:
            self._making.remove(work)
            self._changed.notify_all()

    def _make(self, work: Work, tokens: list[int] | None) -> None:
        begun, num_making = time.monotonic(), len(self._making)
        if tokens is not None:
            assert work.parts is not None
            wav = work.parts.more(tokens)
        elif work.parts_begun:
            assert work.parts is not None
            wav = work.parts.rest(work.attempts.best.said)
        else:
            wav = work.attempts.sound()
        version = work.request.voice.version
        took = time.monotonic() - begun
        self._speed.sounded(version, num_making, took, len(wav) / SAMPLE_RATE)
        if tokens is not None:
            self._give(work, wav)
        elif work.request.order.verify and not work.parts_begun:
            self._listen(work, wav)
        else:
            self._finish(work, wav)

    def _give(self, work: Work, wav: Waveform) -> None:
        if len(wav):
            work.given_seconds += len(wav) / SAMPLE_RATE
            work.request.send(work.number, [Sound(work.number, wav)])

    def _finish(self, work: Work, wav: Waveform) -> None:
        work.given_seconds += len(wav) / SAMPLE_RATE
        finish(work, wav, self._counts)


def finish(work: Work, wav: Waveform, counts: Counts) -> None:
    """Send the last sound of a piece, and what is known of it."""
    attempts = work.attempts
    piece = attempts.piece(wav)
    seconds = max(work.given_seconds, piece.seconds)
    with _counting:
        counts.pieces += 1
        counts.sound_seconds += seconds
        counts.problems += bool(piece.problem)
    work.is_made = True
    end = PieceEnd(
        piece=work.number,
        text=piece.text,
        seconds=seconds,
        num_tokens=len(piece.tokens),
        attempts=piece.attempts,
        problem=piece.problem,
        facts={
            "ended": piece.ended,
            "seed": attempts.best.seed,
            "norm_text": piece.norm_text,
            "num_phones": len(piece.phones),
            "unknown": piece.unknown,
            "words": [asdict(word) for word in attempts.words()],
            **work.facts,
        },
    )
    sound = Sound(work.number, np.concatenate([wav, pause(attempts.reading)]))
    work.request.send(work.number, [sound, end])
