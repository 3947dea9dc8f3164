"""How a job is called off, stopped for a while, and taken up again."""

from __future__ import annotations

from datetime import UTC, datetime

from ray_pipeline import pipeline
from ray_pipeline.coordinator.interface import Cancellation, Pause
from ray_pipeline.coordinator.ledger import Ledger, add_queued_run, mark_stale, state_event
from ray_pipeline.core.task import RunState, StepRun, Task
from ray_pipeline.store import JobRecord, PlannedStep, TaskChange


class Halting:
    """Says what becomes of the runs; ending their processes is up to the caller."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def cancel(self, task_id: str) -> Cancellation:
        """Mark what waits, runs or is paused as cancelled."""
        if self._ledger.store.is_idle(task_id):
            # Nothing is written for it: that has to work also on a full disk.
            return Cancellation(task=self._ledger.store.get_task(task_id), cancelled=False)
        with self._ledger.change(task_id) as change:
            job = change.open_job()
            if job is None:
                return Cancellation(task=change.task, cancelled=False)
            paused = _paused_run(change, job)
            open_runs = [paused] if paused else _open_runs(change)
            ended = self._end(change, job, open_runs, RunState.CANCELLED)
            change.close_job(job.job_id)
        task = self._tell(task_id, ended, "Cancelled.")
        return Cancellation(task=task, cancelled=True, job_id=job.job_id, runs=ended)

    def pause(self, task_id: str) -> Pause:
        """Mark what waits or runs as paused."""
        with self._ledger.change(task_id) as change:
            job = change.open_job()
            if job is None or _paused_run(change, job) is not None:
                return Pause(task=change.task, changed=False)
            ended = self._end(change, job, _open_runs(change), RunState.PAUSED)
        task = self._tell(task_id, ended, "Paused.")
        return Pause(task=task, changed=True, job_id=job.job_id, runs=ended)

    def resume(self, task_id: str) -> Pause:
        """Queue the next attempt of what was paused."""
        with self._ledger.change(task_id) as change:
            job = change.open_job()
            paused = _paused_run(change, job) if job else None
            if job is None or paused is None:
                return Pause(task=change.task, changed=False)
            position, same = change.position(paused.run_id), PlannedStep(paused.step, paused.params)
            again = add_queued_run(change, job.job_id, position, same, paused.warnings)
            change.add_events([state_event(again)])
        task = self._tell(task_id, [again], "Resumed.")
        return Pause(task=task, changed=True, job_id=job.job_id, runs=[again])

    def _end(
        self, change: TaskChange, job: JobRecord, runs: list[StepRun], state: RunState
    ) -> list[StepRun]:
        """End these runs of an open job, or, between two of them, the one that would follow."""
        results = pipeline.results(self._ledger.steps, change.runs())
        ended = [_end_run(change, run, state) for run in runs]
        # What the ended attempt had already replaced is not what the result says.
        mark_stale(change, results, [run.step for run in runs if run.state is RunState.RUNNING])
        return ended or [_end_run(change, _next_run(change, job), state)]

    def _tell(self, task_id: str, runs: list[StepRun], word: str) -> Task:
        """In the task's log; the task as it is now."""
        for run in runs:
            self._ledger.say(task_id, run.step, word)
        return self._ledger.store.get_task(task_id)


def _open_runs(change: TaskChange) -> list[StepRun]:
    return [run for run in change.runs() if not run.state.is_over]


def _paused_run(change: TaskChange, job: JobRecord) -> StepRun | None:
    """The newest run of the job, if it is paused."""
    mine = [run for run in change.runs() if run.job_id == job.job_id]
    return mine[-1] if mine and mine[-1].state is RunState.PAUSED else None


def _end_run(change: TaskChange, run: StepRun, state: RunState) -> StepRun:
    ended = change.update_run(
        run.run_id, state=state.value, finished_at=datetime.now(UTC), message=state.value
    )
    change.add_events([state_event(ended)])
    return ended


def _next_run(change: TaskChange, job: JobRecord) -> StepRun:
    """The job is between two steps; the one that follows shows what became of it."""
    position = max((p for p in range(len(job.steps)) if change.job_runs(job.job_id, p)), default=-1)
    position = min(position + 1, len(job.steps) - 1)
    return add_queued_run(change, job.job_id, position, job.steps[position])
