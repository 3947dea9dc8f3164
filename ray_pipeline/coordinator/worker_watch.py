"""Notices trainings whose workers do not come.

Ray waits for resources without a word. A training that is under way and has no worker says so after
a minute, and after five its attempt is ended and the next one queued: it may be that Ray has
lost track of something, and a new attempt passes the gate again.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from ray_pipeline.core.task import StepRun

SAY_AFTER_SECONDS = 60.0
TRY_ANEW_AFTER_SECONDS = 300.0
# Ray Train gives a group up after a while and asks for another; in between there is none.
_GAP_SECONDS = 30.0


@dataclass
class _Wait:
    since: float
    last_seen: float
    is_said: bool = False


@dataclass(frozen=True)
class Verdict:
    say: list[StepRun]
    try_anew: list[StepRun]


class WorkerWatch:
    """Is shown, every few seconds, which trainings wait for workers and which have some. Times
    are in seconds of one clock that never goes back."""

    def __init__(self) -> None:
        self._waits: dict[str, _Wait] = {}

    def look(self, now: float, waiting: Collection[StepRun], working: Collection[str]) -> Verdict:
        """`working` are the ids of runs that have their workers. Each run is said once, and once
        to be tried anew."""
        for run in waiting:
            wait = self._waits.setdefault(run.run_id, _Wait(since=now, last_seen=now))
            wait.last_seen = now
        for run_id, wait in list(self._waits.items()):
            if run_id in working or now - wait.last_seen > _GAP_SECONDS:
                del self._waits[run_id]
        verdict = Verdict([], [])
        for run in waiting:
            wait = self._waits[run.run_id]
            waited = now - wait.since
            if waited >= TRY_ANEW_AFTER_SECONDS:
                verdict.try_anew.append(run)
                del self._waits[run.run_id]
            elif waited >= SAY_AFTER_SECONDS and not wait.is_said:
                wait.is_said = True
                verdict.say.append(run)
        return verdict

    def starving(self, now: float) -> int:
        """How many trainings have waited for more than a minute."""
        waits = self._waits.values()
        return sum(1 for wait in waits if now - wait.since >= SAY_AFTER_SECONDS)
