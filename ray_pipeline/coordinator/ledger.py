"""A change of a task's state: one transaction that leaves the task's overview right.

Planning, attempts and reports all go through `Ledger.change`, so there is one place where
the status that clients see is derived, and one that wakes those who watch.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ray_pipeline.coordinator.settings import CoordinatorSettings
from ray_pipeline.coordinator.task_log import append_log
from ray_pipeline.core.errors import Conflict, TaskBusy
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.task import EventKind, RunState, StepRun, TaskStatus
from ray_pipeline.core.workspace import Workspace
from ray_pipeline.pipeline import StepRow, StepTable, applicable, load_name, overview
from ray_pipeline.store import NewEvent, PlannedStep, Store, TaskChange

_log = logging.getLogger(__name__)


class Ledger:
    """`notify(task_id, newest event)` is called after each change, from the thread that made it."""

    def __init__(
        self, store: Store, settings: CoordinatorSettings, notify: Callable[[str, int], None]
    ) -> None:
        self.store = store
        self.settings = settings
        self.steps: StepTable = load_name(settings.steps)
        self._notify = notify

    def workspace(self, task_id: str) -> Workspace:
        return Workspace(self.settings.tasks_dir / task_id)

    def row(self, step: StepName) -> StepRow:
        return self.steps[step]

    @contextmanager
    def change(self, task_id: str) -> Iterator[TaskChange]:
        """Raises NotFound."""
        with self.store.change(task_id) as change:
            yield change
            self._settle(change)
            newest = change.last_event
        self._notify(task_id, newest)

    def _settle(self, change: TaskChange) -> None:
        runs = change.runs()
        view = overview(
            self.table(change),
            {run.step: run for run in runs}.values(),
            runs[-1] if runs else None,
            job_goes_on=change.open_job() is not None,
        )
        change.set_overview(view.status, view.current_step, view.progress, view.error_message)

    def table(self, change: TaskChange) -> StepTable:
        """The steps that the task's base model has."""
        name = change.base_model or change.task.config.base_model
        return applicable(self.steps, **_traits(name))

    def base_model(self, change: TaskChange) -> str:
        """The task's base model, settled when it is first asked for.

        Raises BackendMissing if its files are not there.
        """
        if change.base_model is None:
            from ray_pipeline.core.pretrained_bases import choose_base

            config = change.task.config
            choice = choose_base(config.base_model, config.language, self.settings.models_dir)
            change.settle_base_model(choice.name)
        return str(change.base_model)

    def start_weights(
        self, step: StepName, params: Mapping[str, Any], base_model: str
    ) -> Path | None:
        """Where the parameter `start_from` leads, None without it. Raises NotFound, VoiceDisabled,
        InvalidInput for a voice of another base model."""
        from ray_pipeline.core.pretrained_bases import BASE_MODELS
        from ray_pipeline.library.starting import starting_weights

        name = params.get("start_from")
        if name is None or not BASE_MODELS[base_model].is_pretrained:
            return None
        return starting_weights(self.store, self.settings.data_dir, name, step, base_model)

    def say(self, task_id: str, step: StepName | None, *messages: str, private: str = "") -> None:
        """Write to the task's log. A full disk loses the line, not what it tells of."""
        try:
            append_log(self.workspace(task_id), step, messages, private=private)
        except OSError as error:
            _log.warning("task %s: the log was not written (%s): %s", task_id, error, messages)


def add_queued_run(
    change: TaskChange,
    job_id: str,
    position: int,
    planned: PlannedStep,
    warnings: Sequence[str] = (),
) -> StepRun:
    """The next attempt at a job's step; watchers have not heard of it yet."""
    return change.add_run(
        run_id=str(uuid.uuid4()),
        job_id=job_id,
        position=position,
        step=planned.step,
        state=RunState.QUEUED,
        params=planned.params,
        warnings=list(warnings),
    )


def state_event(run: StepRun, **more: Any) -> NewEvent:
    """What watchers hear when a run changes its state."""
    return NewEvent(
        kind=EventKind.STATE,
        step=run.step,
        attempt=run.attempt,
        data={"state": run.state.value, "run_id": run.run_id, "job_id": run.job_id, **more},
    )


def require_idle(change: TaskChange) -> None:
    """Raises TaskBusy while a job of the task waits or runs."""
    if change.open_job() is not None:
        step = change.task.current_step
        if change.task.status is TaskStatus.PAUSED:
            raise TaskBusy(
                f"The task is paused in {step}.",
                hint="Resume it, or cancel it first.",
                task=change.task.task_id,
                step=step.value if step else None,
            )
        raise TaskBusy(
            f"The task is still busy with {step}.",
            hint="Wait until it is done, or cancel it first.",
            task=change.task.task_id,
            step=step.value if step else None,
        )


def require_kept(change: TaskChange) -> None:
    """Raises Conflict for a task that was deleted and can still be had back."""
    if change.task.delete_at is not None:
        raise Conflict(
            "The task was deleted.",
            hint="Have it back first: POST …/restore.",
            task=change.task.task_id,
        )


def mark_stale(change: TaskChange, results: dict[StepName, StepRun], names: list[StepName]) -> None:
    """Say of these steps' results that something they rest on has changed."""
    for name in names:
        run = results.get(name)
        if run is not None and not run.stale and run.state is RunState.COMPLETED:
            stale = change.update_run(run.run_id, stale=True)
            change.add_events([state_event(stale, stale=True)])


def _traits(base_model: str) -> dict[str, bool]:
    """What of a base model decides which steps there are and what they need."""
    if base_model == "auto":
        return {"speaker_vectors": True}  # not settled yet; the first choice of "auto" has them
    from ray_pipeline.core.pretrained_bases import BASE_MODELS

    row = BASE_MODELS[base_model]
    return {
        "speaker_vectors": row.speaker_dim is not None,
        "tokens_are_phones": row.tokens_are_phones,
    }
