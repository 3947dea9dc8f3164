"""The life of an attempt: its turn comes, it starts, reports, ends; or dies and has a successor."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from ray_pipeline import pipeline
from ray_pipeline.coordinator import file_index
from ray_pipeline.coordinator.attempt_end import AttemptEnd
from ray_pipeline.coordinator.ledger import Ledger, add_queued_run, mark_stale, state_event
from ray_pipeline.coordinator.outbox import Report
from ray_pipeline.coordinator.planning import skip_run
from ray_pipeline.coordinator.told import LogLines, merged, run_values, to_event
from ray_pipeline.core.manifest import Manifest
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.task import RunState, StepRun, Transcript
from ray_pipeline.core.workspace import Workspace, sha256_of
from ray_pipeline.store import JobRecord, TaskChange

MAX_INTERRUPTIONS = 5
_CAME_LATE = "Files were uploaded while this ran. Run it again to be sure that they are taken in."


class Turn(Enum):
    """What a job has to do at one of its steps."""

    RUN = "run"
    GO_ON = "go on"
    STOP = "stop"


class Attempts:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._log = LogLines()

    def next_turn(self, job_id: str, position: int) -> tuple[Turn, StepRun | None]:
        """What to do at a step of a job, and the run to do it with (also one still running,
        left by a coordinator that died)."""
        job = self._ledger.store.get_job(job_id)
        if job is None or job.is_over:
            return Turn.STOP, None
        with self._ledger.change(job.task_id) as change:
            attempts = change.job_runs(job_id, position)
            last = attempts[-1] if attempts else None
            if last is None and self._passes_over(change, job, position):
                return Turn.GO_ON, None
            if last is None or last.state is RunState.INTERRUPTED:
                last = self._add_attempt(change, job, position)
            if not last.state.is_over and not last.params.get("enabled", True):
                last = skip_run(self._ledger, change, last.run_id, last.warnings)
            if not last.state.is_over:
                return Turn.RUN, last
            return (Turn.GO_ON if last.state.satisfies_needs else Turn.STOP), last

    def start(self, run: StepRun) -> StepRun | None:
        """The attempt runs from now on; None if it was cancelled meanwhile."""
        with self._ledger.change(run.task_id) as change:
            if not _is_current(change, run):
                return None
            now = datetime.now(UTC)
            started = change.update_run(
                run.run_id, state=RunState.RUNNING.value, started_at=now, message=""
            )
            change.add_events([state_event(started)])
        self._ledger.say(run.task_id, run.step, f"Started (attempt {run.attempt}).")
        return started

    def waits(self, run: StepRun, message: str) -> None:
        """Say why an attempt does not go on yet."""
        with self._ledger.change(run.task_id) as change:
            if _is_current(change, run):
                waiting = change.update_run(run.run_id, message=message)
                change.add_events([state_event(waiting, message=message)])

    def finish(self, run: StepRun, end: AttemptEnd) -> StepRun | None:
        """Record how an attempt ended; None if it is not the current one any more."""
        workspace = self._ledger.workspace(run.task_id)
        digest = _digest(workspace, run.step) if end.error is None else None
        # Hashing takes its time, so it happens outside the transaction.
        known = self._ledger.store.known_files(run.task_id)
        files = file_index.scan(workspace, known)
        with self._ledger.change(run.task_id) as change:
            if not _is_current(change, run):
                return None
            change.drop_files(set(known) - {file.record.name for file in files})
            change.put_files(file for file in files if known.get(file.record.name) != file)
            said = next(past.warnings for past in change.runs() if past.run_id == run.run_id)
            results = pipeline.results(self._ledger.steps, change.runs())
            if end.error is None:
                ended = self._complete(change, run, end, digest, results)
            else:
                ended = self._fail(change, run, end.error, results)
            change.add_events([state_event(ended, error=ended.error)])
            self._close_if_last(change, ended)
        self._log.forget(run)
        self._log_end(ended, end, said)
        return ended

    def interrupt(self, run: StepRun, reason: str) -> StepRun | None:
        """The attempt's process is gone: queue the next attempt, or give up after too many.

        Returns the new attempt; None if there is none to come.
        """
        job = self._ledger.store.get_job(run.job_id)
        with self._ledger.change(run.task_id) as change:
            if job is None or not _is_current(change, run):
                return None
            row = self._position(change, job, run)
            now = datetime.now(UTC)
            gone = change.update_run(
                run.run_id, state=RunState.INTERRUPTED.value, finished_at=now, message=reason
            )
            change.add_events([state_event(gone, message=reason)])
            attempts = change.job_runs(job.job_id, row)
            died = [past for past in attempts if past.state is RunState.INTERRUPTED]
            again = self._add_attempt(change, job, row)
            if len(died) >= MAX_INTERRUPTIONS:
                results = pipeline.results(self._ledger.steps, change.runs())
                self._fail(change, again, _died_too_often(run.step, len(died), reason), results)
                change.close_job(job.job_id)
                again = None  # type: ignore[assignment]
        self._ledger.say(run.task_id, run.step, f"Attempt {run.attempt} ended early: {reason}")
        return again

    def give_up(self, job_id: str, kind: str, traceback: str) -> None:
        """Fail what is left of a job, because the coordinator itself could not go on."""
        for run in self._ledger.store.open_runs():
            if run.job_id == job_id:
                error = {
                    "code": "step_failed",
                    "message": f"{run.step} could not be run ({kind}).",
                    "hint": "Run it again; the task's log says more to whoever runs the service.",
                    "step": run.step.value,
                }
                self.finish(run, AttemptEnd(error=error, traceback=traceback))

    def close(self, job_id: str) -> None:
        """Nothing of the job is left to do."""
        job = self._ledger.store.get_job(job_id)
        if job is not None and not job.is_over:
            with self._ledger.change(job.task_id) as change:
                change.close_job(job_id)

    # -- reports

    def record(self, task_id: str, step: StepName, attempt: int, reports: Sequence[Report]) -> bool:
        """Store what an attempt says; False if it is not the one that runs now."""
        with self._ledger.change(task_id) as change:
            mine = [run for run in change.runs() if run.step is step]
            run = mine[-1] if mine else None
            if run is None or run.attempt != attempt or run.state is not RunState.RUNNING:
                return False
            reports = _without_told(change, step, reports)
            values = run_values(run, reports)
            if values:
                change.update_run(run.run_id, **values)
            change.add_events(to_event(report, step, attempt) for report in reports)
        self._ledger.say(task_id, step, *self._log.of(run, reports))
        return True

    # -- parts of the moves above

    def _add_attempt(self, change: TaskChange, job: JobRecord, position: int) -> StepRun:
        run = add_queued_run(change, job.job_id, position, job.steps[position])
        change.add_events([state_event(run)])
        return run

    def _passes_over(self, change: TaskChange, job: JobRecord, position: int) -> bool:
        item = job.steps[position]
        if not item.when_needed:
            return False
        return pipeline.is_done(pipeline.results(self._ledger.steps, change.runs()).get(item.step))

    def _position(self, change: TaskChange, job: JobRecord, run: StepRun) -> int:
        for position in range(len(job.steps)):
            if any(past.run_id == run.run_id for past in change.job_runs(job.job_id, position)):
                return position
        raise AssertionError("a run without a place in its job")

    def _complete(
        self,
        change: TaskChange,
        run: StepRun,
        end: AttemptEnd,
        digest: str | None,
        results: dict[StepName, StepRun],
    ) -> StepRun:
        before = results.get(run.step)
        if before is None or digest is None or change.digest(before.run_id) != digest:
            mark_stale(change, results, pipeline.dependents(self._ledger.steps, run.step))
        if end.transcripts is not None:
            _store_transcripts(change, end.transcripts)
        said = next(past for past in change.runs() if past.run_id == run.run_id)
        late = [_CAME_LATE] if said.stale else []
        return change.update_run(
            run.run_id,
            state=RunState.COMPLETED.value,
            finished_at=datetime.now(UTC),
            progress=1.0,
            result=end.summary,
            warnings=merged(said.warnings, [*end.warnings, *late]),
            digest=digest,
        )

    def _fail(
        self,
        change: TaskChange,
        run: StepRun,
        error: dict[str, Any],
        results: dict[StepName, StepRun],
    ) -> StepRun:
        # Its earlier result, if any, may have been replaced in part.
        mark_stale(change, results, [run.step])
        return change.update_run(
            run.run_id, state=RunState.FAILED.value, finished_at=datetime.now(UTC), error=error
        )

    def _close_if_last(self, change: TaskChange, run: StepRun) -> None:
        job = change.open_job()
        if job is None:
            return
        is_last = bool(change.job_runs(job.job_id, len(job.steps) - 1))
        if is_last or not run.state.satisfies_needs:
            change.close_job(job.job_id)

    def _log_end(self, run: StepRun, end: AttemptEnd, said: list[str]) -> None:
        """`said`: warnings that the log has, because they were given while the step ran."""
        if end.error is None:
            late = [warning for warning in end.warnings if warning not in said]
            warnings = [f"Warning: {warning}" for warning in late]
            self._ledger.say(run.task_id, run.step, *warnings, "Completed.")
            return
        sentence = " ".join(str(end.error.get(key, "")) for key in ("message", "hint"))
        self._ledger.say(run.task_id, run.step, f"Failed: {sentence}", private=end.traceback)


def _without_told(
    change: TaskChange, step: StepName, reports: Sequence[Report]
) -> Sequence[Report]:
    """Without what is said again and was stored the first time."""
    kinds = {report.kind for report in reports if report.again}
    told = {kind: change.told(kind, step) for kind in kinds}
    return [report for report in reports if not (report.again and report.data in told[report.kind])]


def _is_current(change: TaskChange, run: StepRun) -> bool:
    """Whether the run is still queued or running, and no later attempt has begun."""
    mine = [past for past in change.runs() if past.step is run.step]
    return bool(mine) and mine[-1].run_id == run.run_id and not mine[-1].state.is_over


def _store_transcripts(change: TaskChange, transcripts: list[Transcript]) -> None:
    """The step's transcripts replace those of before, but never what a user wrote."""
    before = change.transcripts()
    new = {transcript.clip: transcript for transcript in transcripts}
    for clip, old in before.items():
        if clip in new and old.source == "user" and new[clip].source != "user":
            new[clip] = old
    change.drop_transcripts(clip for clip in before if clip not in new)
    change.put_transcripts(new.values())


def _digest(workspace: Workspace, step: StepName) -> str | None:
    """Changes when what the step made changes; None if the step keeps no manifest."""
    path = workspace.manifest_path(step)
    if not path.exists():
        return None
    manifest = Manifest.load(workspace, step)
    return manifest.digest() if manifest.clips else sha256_of(path)[:20]


def _died_too_often(step: StepName, times: int, reason: str) -> dict[str, Any]:
    return {
        "code": "step_failed",
        "message": f"{step} was begun {times} times and never came to its end ({reason}).",
        "hint": "If its process died, memory may have run out: try a smaller batch_size or fewer "
        "recordings. If no worker could start, something else holds the cluster's resources.",
        "step": step.value,
    }
