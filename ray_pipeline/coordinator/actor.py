"""The coordinator as one named, detached Ray actor, the only writer of task state.

Its methods are those of `interface.Coordinator`, and `record` for the workers of steps. A
PipelineError raised here reaches the caller as a RayTaskError whose `cause` is that error;
`remote.py` unwraps it. While the actor restarts (seconds), calls fail with Ray's
ActorUnavailableError or ActorDiedError; asking again is safe.

Whoever asks for the actor's handle imports this module, for Ray loads the class to make one: each
step's process and each of its training workers, which only report. So what the coordinator works
with (its database, DBOS) is imported where it starts; it would cost each of them most of a second
of processor time.
"""

from __future__ import annotations

import asyncio
import logging
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import ray

from ray_pipeline.coordinator.outbox import Report
from ray_pipeline.coordinator.service import CoordinatorService, step_name
from ray_pipeline.coordinator.settings import CoordinatorSettings

if TYPE_CHECKING:
    from ray_pipeline.coordinator.runner import JobRunner

_log = logging.getLogger(__name__)


class CoordinatorActor(CoordinatorService):
    def __init__(self, settings: CoordinatorSettings) -> None:
        from ray_pipeline.coordinator.book_speech import speak_by_serve
        from ray_pipeline.coordinator.holding import keep
        from ray_pipeline.coordinator.parts import Parts
        from ray_pipeline.coordinator.runner import JobRunner
        from ray_pipeline.coordinator.start_up import prepare

        store, lease = prepare(settings)
        parts = Parts(settings, store, speak_by_serve)
        runner = JobRunner(parts.ledger, parts.attempts)
        super().__init__(parts, runner)
        keep(lease, on_lost=lambda: _end(runner))
        # Beside the event loop, which DBOS would otherwise take for its own.
        with ThreadPoolExecutor(1) as beside:
            beside.submit(runner.launch).result()
        parts.books.begin()

    @ray.method(max_task_retries=-1)
    async def record(self, task_id: str, step: str, attempt: int, reports: list[Report]) -> bool:
        """Store what an attempt reports; False if that attempt is not the current one."""
        record = self._parts.attempts.record
        return await asyncio.to_thread(record, task_id, step_name(step), attempt, reports)

    async def ping(self) -> bool:
        return True

    async def settings(self) -> CoordinatorSettings:
        """Those that it was started with."""
        return self._parts.settings


def _end(runner: JobRunner) -> None:
    """Another coordinator works on the database now, and will start steps on the same files."""
    _log.error("another coordinator has taken over the database; this one ends")
    try:
        runner.end_all_steps()
    finally:
        os._exit(1)
