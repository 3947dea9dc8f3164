"""From a request to a job: what may run, and with which parameters."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ray_pipeline import pipeline
from ray_pipeline.coordinator.interface import PlannedJob
from ray_pipeline.coordinator.ledger import (
    Ledger,
    add_queued_run,
    mark_stale,
    require_idle,
    require_kept,
    state_event,
)
from ray_pipeline.core.errors import InvalidInput, StepNotReady
from ray_pipeline.core.options import parse_options
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.task import RunState, StepRun
from ray_pipeline.pipeline import StepTable
from ray_pipeline.store import PlannedStep, TaskChange


class Planner:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def plan_step(self, task_id: str, step: StepName, params: dict[str, Any]) -> PlannedJob:
        """Raises NotFound, InvalidInput, StepNotReady, TaskBusy."""
        options, warnings = parse_options(step, params)
        values = options.model_dump(mode="json")
        with self._ledger.change(task_id) as change:
            require_idle(change)
            require_kept(change)
            base_model = self._ledger.base_model(change)
            table = self._ledger.table(change)
            if not options.enabled or step not in table:
                return self._skip(change, step, values, warnings)
            results = pipeline.results(self._ledger.steps, change.runs())
            pipeline.require_needs(table, step, results)
            self._require_input(task_id, step)
            self._ledger.start_weights(step, values, base_model)
            warnings += _stale_warnings(table, step, results)
            warnings += _unlike_last_time(PlannedStep(step, values), params, results.get(step))
            return _queue(change, [PlannedStep(step, values)], warnings)

    def plan_steps(
        self,
        task_id: str,
        from_step: StepName | None,
        to_step: StepName | None,
        params: Mapping[StepName, dict[str, Any]],
        force: bool,
    ) -> PlannedJob:
        """Raises NotFound, InvalidInput, StepNotReady, TaskBusy."""
        parsed, warnings = _parse_all(params)
        with self._ledger.change(task_id) as change:
            require_idle(change)
            require_kept(change)
            base_model = self._ledger.base_model(change)
            table = self._ledger.table(change)
            names = _range(table, from_step, to_step)
            _require_within(names, parsed)
            results = pipeline.results(self._ledger.steps, change.runs())
            plan = _plan(names, results, parsed, selective=from_step is None, force=force)
            if not plan:
                return PlannedJob(
                    job_id="", task_id=task_id, steps=[], first_run=None, is_over=True
                )
            self._check_plan(table, plan, results)
            for item in plan:
                self._ledger.start_weights(item.step, item.params, base_model)
                written = params.get(item.step, {})
                warnings += _unlike_last_time(item, written, results.get(item.step))
            self._require_input(task_id, plan[0].step)
            return _queue(change, plan, warnings)

    def _skip(
        self, change: TaskChange, step: StepName, params: dict[str, Any], warnings: list[str]
    ) -> PlannedJob:
        job = _queue(change, [PlannedStep(step, params)], warnings)
        assert job.first_run is not None
        if params["enabled"]:
            warnings.append(f"The base model {change.base_model} needs no {step}; it was skipped.")
        run = skip_run(self._ledger, change, job.first_run.run_id, warnings)
        change.close_job(job.job_id)
        return PlannedJob(
            job_id=job.job_id,
            task_id=job.task_id,
            steps=job.steps,
            first_run=run,
            warnings=warnings,
            is_over=True,
        )

    def _require_input(self, task_id: str, step: StepName) -> None:
        folder = self._ledger.workspace(task_id).input_audio
        if self._ledger.row(step).needs or (folder.is_dir() and any(folder.iterdir())):
            return
        raise StepNotReady(
            "The task has no recordings yet.",
            hint="Upload audio first: POST /api/v1/task/{task_id}/files/upload.",
            task=task_id,
            step=step.value,
            missing=["input_audio"],
        )

    def _check_plan(
        self, table: StepTable, plan: list[PlannedStep], results: Mapping[StepName, StepRun]
    ) -> None:
        done = set(results)
        for item in plan:
            if item.params.get("enabled", True):
                pipeline.require_needs(table, item.step, done)
                done.add(item.step)


def skip_run(ledger: Ledger, change: TaskChange, run_id: str, warnings: list[str]) -> StepRun:
    """Record a step as skipped. An optional step's earlier result counts no more."""
    now = datetime.now(UTC)
    before = pipeline.results(ledger.steps, change.runs())
    run = change.update_run(
        run_id,
        state=RunState.SKIPPED.value,
        started_at=now,
        finished_at=now,
        progress=1.0,
        message="skipped",
        warnings=warnings,
    )
    change.add_events([state_event(run)])
    earlier = before.get(run.step)
    if ledger.row(run.step).optional and earlier and earlier.state is RunState.COMPLETED:
        ledger.workspace(run.task_id).manifest_path(run.step).unlink(missing_ok=True)
        mark_stale(change, before, pipeline.dependents(ledger.steps, run.step))
    ledger.say(run.task_id, run.step, "Skipped.")
    return run


def _queue(change: TaskChange, plan: list[PlannedStep], warnings: list[str]) -> PlannedJob:
    job = change.add_job(str(uuid.uuid4()), plan)
    of_the_first = warnings if len(plan) == 1 else []
    run = add_queued_run(change, job.job_id, 0, plan[0], of_the_first)
    change.add_events([state_event(run)])
    return PlannedJob(
        job_id=job.job_id,
        task_id=job.task_id,
        steps=[item.step for item in plan],
        first_run=run,
        warnings=warnings,
    )


def _plan(
    names: list[StepName],
    results: Mapping[StepName, StepRun],
    asked: Mapping[StepName, dict[str, Any]],
    *,
    selective: bool,
    force: bool,
) -> list[PlannedStep]:
    plan: list[PlannedStep] = []
    for name in names:
        earlier = results.get(name)
        params = dict(asked.get(name) or _defaults(name))
        params["force"] = force or (params.get("force", False) and name in asked)
        when_needed = selective and not force and name not in asked
        # What is done needs no look before something earlier in the plan can change it.
        if not (when_needed and not plan and pipeline.is_done(earlier)):
            plan.append(PlannedStep(name, params, when_needed))
    return plan if any(not _rests(item, results) for item in plan) else []


def _rests(item: PlannedStep, results: Mapping[StepName, StepRun]) -> bool:
    return item.when_needed and pipeline.is_done(results.get(item.step))


def _defaults(step: StepName) -> dict[str, Any]:
    return parse_options(step, {})[0].model_dump(mode="json")


def _parse_all(
    params: Mapping[StepName, dict[str, Any]],
) -> tuple[dict[StepName, dict[str, Any]], list[str]]:
    parsed: dict[StepName, dict[str, Any]] = {}
    warnings: list[str] = []
    for step, values in params.items():
        options, more = parse_options(step, values)
        parsed[step] = options.model_dump(mode="json")
        warnings += more
    return parsed, warnings


def _range(table: StepTable, first: StepName | None, last: StepName | None) -> list[StepName]:
    for name, field_name in ((first, "from"), (last, "to")):
        if name is not None and name not in table:
            raise InvalidInput(
                f"The task's base model has no step {name}.",
                hint="Leave it out, or choose another step.",
                field=field_name,
            )
    names = pipeline.steps_between(table, first, last)
    if not names:
        raise InvalidInput(
            f"{first} comes after {last}.", hint="Give the earlier step as `from`.", field="from"
        )
    return names


def _require_within(names: list[StepName], params: Mapping[StepName, Any]) -> None:
    outside = [name for name in params if name not in names]
    if outside:
        raise InvalidInput(
            f"There are parameters for {', '.join(outside)}, which this job does not run.",
            hint="Remove them, or choose other ends with `from` and `to`.",
            field=f"params.{outside[0]}",
        )


def _stale_warnings(
    table: StepTable, step: StepName, results: Mapping[StepName, StepRun]
) -> list[str]:
    return [
        f"The result of {name} is out of date: something it was made from has changed since. "
        f"Run {name} again to take that in."
        for name in pipeline.stale_needs(table, step, results)
    ]


def _unlike_last_time(
    item: PlannedStep, written: Mapping[str, Any], last: StepRun | None
) -> list[str]:
    """Parameters are what a request says, and their defaults where it says nothing: never those
    of an earlier run. Where a result was made with others, the answer says so."""
    if last is None or last.state is not RunState.COMPLETED:
        return []
    return [
        f"{item.step}: {name} is {_shown(item.params[name])}, its default; the last result was "
        f"made with {_shown(before)}. Give it in params to keep that."
        for name, before in last.params.items()
        if name not in ("enabled", "force")
        and name not in written
        and item.params.get(name, before) != before
    ]


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
