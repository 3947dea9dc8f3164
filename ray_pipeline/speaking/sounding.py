"""The thread that makes sound of tokens, the piece whose listener runs dry first before others."""

from __future__ import annotations

import logging
import threading

import numpy as np

from ray_pipeline.speaking.counts import Counts
from ray_pipeline.speaking.order import Part, PieceEnd, Sound
from ray_pipeline.speaking.request import Work
from ray_pipeline.voice.saying import pause

_log = logging.getLogger(__name__)


class Sounding:
    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self._waiting: list[Work] = []
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="sound", daemon=True)
        self._thread.start()

    def put(self, work: Work) -> None:
        with self._changed:
            self._waiting.append(work)
            self._changed.notify()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    @property
    def num_waiting(self) -> int:
        return len(self._waiting)

    def _run(self) -> None:
        while (work := self._next()) is not None:
            if work.request.cancelled:
                continue
            try:
                work.request.send(work.number, self._parts(work))
            except Exception as error:  # of whatever kind: the others go on
                _log.exception("a piece could not be made into sound")
                work.request.cancelled = True
                work.request.fail(error)

    def _next(self) -> Work | None:
        with self._changed:
            while not self._waiting and not self._closed:
                self._changed.wait()
            if self._closed:
                return None
            work = min(self._waiting, key=lambda work: work.dry_at)
            self._waiting.remove(work)
            return work

    def _parts(self, work: Work) -> list[Part]:
        attempts = work.attempts
        wav = attempts.sound()
        piece = attempts.piece(wav)
        self._counts.pieces += 1
        self._counts.sound_seconds += piece.seconds
        self._counts.problems += bool(piece.problem)
        return [
            Sound(work.number, np.concatenate([wav, pause(attempts.reading)])),
            PieceEnd(
                piece=work.number,
                text=piece.text,
                seconds=piece.seconds,
                num_tokens=len(piece.tokens),
                attempts=piece.attempts,
                problem=piece.problem,
                facts={
                    "ended": piece.ended,
                    "seed": attempts.best_seed,
                    "norm_text": piece.norm_text,
                    "num_phones": len(piece.phones),
                    "unknown": piece.unknown,
                },
            ),
        ]
