"""Trainings that run and have no worker: said, and tried anew."""

from __future__ import annotations

import time
from collections.abc import Callable

import ray

from ray_pipeline.coordinator.attempts import Attempts
from ray_pipeline.coordinator.attending import name_of
from ray_pipeline.coordinator.ledger import Ledger
from ray_pipeline.coordinator.reservations import Reservation, reservations, worker_id
from ray_pipeline.coordinator.step_actor import end_step_actor, find_step_actor
from ray_pipeline.coordinator.worker_watch import WorkerWatch
from ray_pipeline.core.task import RunState, StepRun


class StarvingTrainings:
    def __init__(
        self, ledger: Ledger, attempts: Attempts, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._ledger = ledger
        self._attempts = attempts
        self._watch = WorkerWatch()

    @property
    def count(self) -> int:
        return self._watch.starving(self._clock())

    def look(self) -> None:
        made = reservations()
        waiting: dict[str, tuple[StepRun, Reservation]] = {}
        working = set()
        for run in self._running_trainings():
            actor = find_step_actor(name_of(run))
            owner = worker_id(actor) if actor is not None else None
            mine = [each for each in made if each.owner == owner and not each.is_abandoned]
            if any(each.is_placed for each in mine):
                working.add(run.run_id)
            elif mine:
                waiting[run.run_id] = (run, mine[0])
        runs = [run for run, _ in waiting.values()]
        verdict = self._watch.look(self._clock(), runs, working)
        for run in verdict.say:
            self._attempts.waits(run, _sentence(waiting[run.run_id][1]))
        for run in verdict.try_anew:
            # In this order: the process that ends then finds that its attempt has a successor.
            self._attempts.interrupt(run, _sentence(waiting[run.run_id][1]))
            end_step_actor(name_of(run))

    def _running_trainings(self) -> list[StepRun]:
        return [
            run
            for run in self._ledger.store.open_runs()
            if run.state is RunState.RUNNING and self._ledger.row(run.step).trains
        ]


def _sentence(wanted: Reservation) -> str:
    free = ray.available_resources()
    gpus = f" and {wanted.gpus:g} GPU(s)" if wanted.gpus else ""
    free_gpus = f" and {free.get('GPU', 0.0):g} GPU(s)" if wanted.gpus else ""
    return (
        f"no worker could start yet: {wanted.cpus:g} CPU(s){gpus} are needed, "
        f"{free.get('CPU', 0.0):g} CPU(s){free_gpus} are free"
    )
