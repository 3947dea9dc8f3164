"""The coordinator: one named, detached Ray actor, the only writer of task state.

    handle = ensure_coordinator(settings)
    task = await handle.create_task.remote("a voice", {"language": "en"})
    run = await handle.start_step.remote(task.task_id, "convert_audio", {})

Methods take and return plain data of `ray_pipeline.core.task`. A PipelineError raised here reaches
the caller as a RayTaskError whose `cause` is that error. While the actor restarts (seconds),
calls fail with Ray's ActorUnavailableError or ActorDiedError; asking again is safe.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, ParamSpec, TypeVar

import ray

from ray_pipeline.coordinator.actor_progress import Report
from ray_pipeline.coordinator.attempts import Attempts
from ray_pipeline.coordinator.handle import CoordinatorSettings
from ray_pipeline.coordinator.jobs import JobRunner
from ray_pipeline.coordinator.ledger import Ledger
from ray_pipeline.coordinator.planning import Cancellation, PlannedJob, Planner
from ray_pipeline.coordinator.start_up import prepare
from ray_pipeline.coordinator.task_data import TaskData
from ray_pipeline.coordinator.watch import EventWatch
from ray_pipeline.core.errors import NotFound
from ray_pipeline.core.options import parse_task_config
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.task import FileRecord, StepRun, Task, Transcript
from ray_pipeline.store import Store

P = ParamSpec("P")
R = TypeVar("R")


class Coordinator:
    """Every method is quick; the work of a job happens in `jobs.py`, beside them."""

    def __init__(self, settings: CoordinatorSettings) -> None:
        self._settings = settings
        self._lock = prepare(settings)
        self._store = Store(settings.database_url)
        self._watch = EventWatch()
        ledger = Ledger(self._store, settings, self._watch.notify)
        self._tasks = TaskData(ledger)
        self._planner = Planner(ledger)
        self._attempts = Attempts(ledger)
        self._jobs = JobRunner(ledger, self._attempts)
        # Beside the event loop, which DBOS would otherwise take for its own.
        with ThreadPoolExecutor(1) as beside:
            beside.submit(self._jobs.launch).result()

    # -- tasks

    async def create_task(self, name: str, config: dict[str, Any]) -> Task:
        """Raises InvalidInput for an unknown field or a value out of bounds."""
        return await _in_thread(self._tasks.create_task, name, parse_task_config(config))

    async def delete_task(self, task_id: str) -> None:
        """Cancels what runs, then removes the task's files and rows. Raises NotFound, and
        TaskBusy if somebody starts a step in between."""
        await self.cancel(task_id)
        await _in_thread(self._tasks.delete_task, task_id)

    # -- running

    async def start_step(self, task_id: str, step: str, params: dict[str, Any]) -> StepRun:
        """Queue one step; the task's status has changed when this returns.

        `warnings` of the answer say what was understood differently than written, and which
        of the step's needs are stale. `{"enabled": false}` records the step as skipped.
        Raises NotFound (task or step), InvalidInput (`field` is `params.…`),
        StepNotReady (`missing`) and TaskBusy.
        """
        job = await _in_thread(self._planner.plan_step, task_id, step_name(step), params)
        await self._jobs.enqueue(job)
        assert job.first_run is not None
        return job.first_run

    async def run_steps(
        self,
        task_id: str,
        from_step: str | None = None,
        to_step: str | None = None,
        params: dict[str, dict[str, Any]] | None = None,
        force: bool = False,
    ) -> PlannedJob:
        """Queue several steps as one durable job.

        Without `from_step`: all that is not done yet (or stale), up to `to_step`. With it:
        every step from there on. `params` are per step; a step without takes those of its
        last completed run. `force` computes everything anew. `steps` of the answer is empty
        if nothing is left to do. Raises as `start_step` does.
        """
        plan = _in_thread(
            self._planner.plan_steps,
            task_id,
            step_name(from_step) if from_step else None,
            step_name(to_step) if to_step else None,
            {step_name(name): values for name, values in (params or {}).items()},
            force,
        )
        job = await plan
        await self._jobs.enqueue(job)
        return job

    async def cancel(self, task_id: str) -> Cancellation:
        """End what runs or waits; returns when its processes are gone (10 s at most).

        `cancelled` is false if there was nothing to end. Raises NotFound.
        """
        outcome = await _in_thread(self._planner.cancel, task_id)
        await self._jobs.stop(outcome)
        return outcome

    # -- files and transcripts

    async def register_file(self, task_id: str, name: str) -> FileRecord:
        """Record a file that was just written into the task's folder (an upload).

        `name` is relative to the folder. The steps that read such a file become stale.
        """
        return await _in_thread(self._tasks.register_file, task_id, name)

    async def remove_file(self, task_id: str, name: str) -> None:
        """Delete an uploaded file. Raises NotFound, TaskBusy, and InvalidInput for files that a
        step made."""
        await _in_thread(self._tasks.remove_file, task_id, name)

    async def put_transcripts(
        self, task_id: str, transcripts: list[Transcript], based_on: list[Transcript] | None = None
    ) -> int:
        """Store a user's edits, a row a clip; other clips keep theirs. Returns how many changed.

        `based_on` are rows as they were read for the edit. Raises Conflict when one of them is
        different now, InvalidInput for a clip that the task does not have, TaskBusy while it runs.
        """
        return await _in_thread(self._tasks.put_transcripts, task_id, transcripts, based_on)

    # -- what steps report, and who watches

    @ray.method(max_task_retries=-1)
    async def record(self, task_id: str, step: str, attempt: int, reports: list[Report]) -> bool:
        """Store what an attempt reports; False if that attempt is not the current one."""
        return await _in_thread(self._attempts.record, task_id, step_name(step), attempt, reports)

    async def wait_for_events(self, task_id: str, after: int, timeout: float) -> int:
        """The newest event number of the task, as soon as it is above `after` or time is up."""
        with self._watch.subscribe(task_id) as changed:
            newest = await _in_thread(self._store.newest_event, task_id)
            if newest > after:
                return newest
            with suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), timeout)
            return await _in_thread(self._store.newest_event, task_id)

    async def ping(self) -> bool:
        return True

    async def settings(self) -> CoordinatorSettings:
        """Those that it was started with."""
        return self._settings

    async def health(self) -> dict[str, Any]:
        """`{"ok", "database", "steps_running", "steps_waiting", "process_id"}`; never raises."""
        return await _in_thread(self._jobs.health)


def step_name(name: str) -> StepName:
    """Raises NotFound for a name that is none of the eleven."""
    try:
        return StepName(name)
    except ValueError:
        known = ", ".join(step.value for step in StepName)
        raise NotFound(f"There is no step {name!r}.", hint=f"The steps are: {known}.") from None


async def _in_thread(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    # The database and the disk may take their time; the event loop answers others meanwhile.
    return await asyncio.to_thread(function, *args, **kwargs)
