"""The coordinator's own rules on a real database, without Ray: what is planned is not run.

Tests play the worker themselves, through `begin`, `report` and `end`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ray_pipeline.coordinator.attempt_end import AttemptEnd
from ray_pipeline.coordinator.interface import PlannedJob
from ray_pipeline.coordinator.outbox import Report
from ray_pipeline.coordinator.parts import Parts
from ray_pipeline.coordinator.service import CoordinatorService
from ray_pipeline.coordinator.settings import CoordinatorSettings
from ray_pipeline.core.errors import Unavailable
from ray_pipeline.core.task import EventKind, StepName, StepRun
from ray_pipeline.store import Store


class NobodyRuns:
    """A runner that leaves what is planned where it is."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def enqueue(self, job: PlannedJob) -> None: ...

    def stop(self, job_id: str | None, runs: list[StepRun]) -> None: ...

    def go_on(self, job_id: str) -> None: ...

    def health(self) -> dict[str, Any]:
        return {"ok": self._store.is_reachable(), "database": "reachable"}


class LocalCoordinator(CoordinatorService):
    """The service itself; only the runner is missing. It is away while `is_down`."""

    def __init__(self, store: Store, settings: CoordinatorSettings) -> None:
        parts = Parts(settings, store)
        super().__init__(parts, NobodyRuns(store))
        self.store = store
        self.tasks, self.halting = parts.tasks, parts.halting
        self.is_down = False
        self._planner, self._attempts = parts.planner, parts.attempts

    async def _ask(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        if self.is_down:
            raise Unavailable("The coordinator is restarting.")
        return await super()._ask(function, *args, **kwargs)

    # -- the worker's part

    def plan(self, task_id: str, step: str) -> None:
        self._planner.plan_step(task_id, StepName(step), {})

    def begin(self, task_id: str) -> StepRun:
        """The queued run of the task starts."""
        queued = [run for run in self.store.step_runs(task_id) if not run.state.is_over]
        started = self._attempts.start(queued[-1])
        assert started is not None
        return started

    def report(self, run: StepRun, kind: EventKind, **data: Any) -> None:
        report = Report(kind=kind, data=data)
        assert self._attempts.record(run.task_id, run.step, run.attempt, [report])

    def end(self, run: StepRun, **end: Any) -> None:
        assert self._attempts.finish(run, AttemptEnd(**end)) is not None

    def do(self, task_id: str, step: str, **end: Any) -> None:
        """One whole step."""
        self.plan(task_id, step)
        self.end(self.begin(task_id), **end)


def coordinator_settings(root: Path, database_url: str = "") -> CoordinatorSettings:
    return CoordinatorSettings(
        data_dir=root,
        models_dir=root / "models",
        database_url=database_url or f"sqlite:///{root / 'gsv.sqlite3'}",
    )
