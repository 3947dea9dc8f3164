"""The coordinator's own rules on a real database, without Ray: what is planned is not run.

Tests play the worker themselves, through `begin`, `report` and `end`.
"""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

from ray_pipeline.coordinator import CoordinatorSettings
from ray_pipeline.coordinator.actor_progress import Report
from ray_pipeline.coordinator.attempts import Attempts, Outcome
from ray_pipeline.coordinator.ledger import Ledger
from ray_pipeline.coordinator.planning import Cancellation, PlannedJob, Planner
from ray_pipeline.coordinator.task_data import TaskData
from ray_pipeline.core.errors import Unavailable
from ray_pipeline.core.options import parse_task_config
from ray_pipeline.core.task import EventKind, FileRecord, StepName, StepRun, Task, Transcript
from ray_pipeline.store import Store
from serve_app.coordinator_link import CoordinatorLink


class LocalCoordinator:
    """Same methods as `ray_pipeline.coordinator.actor.Coordinator`."""

    def __init__(self, store: Store, settings: CoordinatorSettings) -> None:
        self.store = store
        self.is_down = False
        self._changed = threading.Condition()
        ledger = Ledger(store, settings, self._notify)
        self._tasks = TaskData(ledger)
        self._planner = Planner(ledger)
        self._attempts = Attempts(ledger)

    def link(self) -> CoordinatorLink:
        async def call(method: str, *arguments: Any) -> Any:
            if self.is_down:
                raise Unavailable("The coordinator is restarting.")
            return await asyncio.to_thread(getattr(self, method), *arguments)

        return CoordinatorLink(call)

    def _notify(self, *_: Any) -> None:
        with self._changed:
            self._changed.notify_all()

    def create_task(self, name: str, config: dict[str, Any]) -> Task:
        return self._tasks.create_task(name, parse_task_config(config))

    def delete_task(self, task_id: str) -> None:
        self._planner.cancel(task_id)
        self._tasks.delete_task(task_id)

    def start_step(self, task_id: str, step: str, params: dict[str, Any]) -> StepRun | None:
        return self._planner.plan_step(task_id, StepName(step), params).first_run

    def run_steps(
        self,
        task_id: str,
        first: str | None,
        last: str | None,
        params: dict[str, dict[str, Any]],
        force: bool,
    ) -> PlannedJob:
        by_step = {StepName(step): values for step, values in params.items()}
        return self._planner.plan_steps(
            task_id,
            StepName(first) if first else None,
            StepName(last) if last else None,
            by_step,
            force,
        )

    def cancel(self, task_id: str) -> Cancellation:
        return self._planner.cancel(task_id)

    def register_file(self, task_id: str, name: str) -> FileRecord:
        return self._tasks.register_file(task_id, name)

    def remove_file(self, task_id: str, name: str) -> None:
        self._tasks.remove_file(task_id, name)

    def put_transcripts(
        self, task_id: str, transcripts: list[Transcript], based_on: list[Transcript] | None = None
    ) -> int:
        return self._tasks.put_transcripts(task_id, transcripts, based_on)

    def wait_for_events(self, task_id: str, after: int, timeout: float) -> int:
        with self._changed:
            newest = self.store.newest_event(task_id)
            if newest <= after:
                self._changed.wait(min(timeout, 0.2))
        return self.store.newest_event(task_id)

    def health(self) -> dict[str, Any]:
        return {"ok": self.store.is_reachable(), "database": "reachable"}

    # -- the worker's part
    def begin(self, task_id: str) -> StepRun:
        """The queued run of the task starts."""
        queued = [run for run in self.store.step_runs(task_id) if not run.state.is_over]
        started = self._attempts.start(queued[-1])
        assert started is not None
        return started

    def report(self, run: StepRun, kind: EventKind, **data: Any) -> None:
        report = Report(kind=kind, data=data)
        assert self._attempts.record(run.task_id, run.step, run.attempt, [report])

    def end(self, run: StepRun, **outcome: Any) -> None:
        assert self._attempts.finish(run, Outcome(**outcome)) is not None

    def do(self, task_id: str, step: str, **outcome: Any) -> None:
        """One whole step."""
        self.start_step(task_id, step, {})
        self.end(self.begin(task_id), **outcome)


def coordinator_settings(root: Path) -> CoordinatorSettings:
    return CoordinatorSettings(
        data_dir=root,
        models_dir=root / "models",
        database_url=f"sqlite:///{root / 'gsv.sqlite3'}",
    )
