"""How a job goes through its steps, with stand-ins where the steps' processes would be."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ray_pipeline.coordinator import attending, patience
from ray_pipeline.coordinator import runner as runner_module
from ray_pipeline.coordinator.attempt_end import AttemptEnd
from ray_pipeline.coordinator.live_jobs import GRACE_SECONDS, LiveJobs
from ray_pipeline.coordinator.reservations import Reservation
from ray_pipeline.coordinator.runner import JobRunner
from ray_pipeline.coordinator.starving import StarvingTrainings
from ray_pipeline.coordinator.step_actor import _error_data
from ray_pipeline.coordinator.worker_watch import SAY_AFTER_SECONDS, TRY_ANEW_AFTER_SECONDS
from ray_pipeline.core.errors import Unavailable
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.task import RunState, TaskStatus
from tests.coordinator.conftest import Desk
from tests.coordinator.stand_ins import Processes


@pytest.fixture
def runner(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> JobRunner:
    # DBOS registers what it calls, and takes one runner a process.
    monkeypatch.setattr(runner_module.DBOSConfiguredInstance, "__init__", lambda self, name: None)
    monkeypatch.setattr(patience, "pauses", lambda: itertools.repeat(0.0))
    runner = JobRunner(desk.ledger, desk.attempts)
    # What DBOS makes of a step outside of a workflow is a plain call.
    monkeypatch.setattr(runner, "do_step", lambda *ids: JobRunner.do_step.__wrapped__(runner, *ids))
    return runner


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> Processes:
    return Processes().install(monkeypatch)


def test_a_step_cancelled_while_its_process_starts_is_not_run(
    desk: Desk, runner: JobRunner, processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = desk.new_task()
    job = desk.planner.plan_step(task.task_id, StepName.CONVERT_AUDIO, {})

    def start(assignment: Any) -> Any:
        # Whoever cancels now finds no process to end.
        desk.halting.cancel(task.task_id)
        return processes.start(assignment)

    monkeypatch.setattr(attending, "start_step_actor", start)
    assert not runner.do_step(job.job_id, 0)
    assert processes.ended == [f"step:{task.task_id}:convert_audio:1"]
    assert processes.runs == 0
    assert desk.store.get_task(task.task_id).status is TaskStatus.CANCELLED


def test_how_a_step_ended_is_kept_until_it_is_written_down(
    desk: Desk, runner: JobRunner, processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database is away when the step ends: the step is neither failed nor done again."""
    task = desk.new_task()
    job = desk.planner.plan_step(task.task_id, StepName.CONVERT_AUDIO, {})
    processes.work = lambda assignment: AttemptEnd(summary={"clips": 3})
    finish, tries = desk.attempts.finish, []

    def away_at_first(*arguments: Any) -> Any:
        tries.append(list(processes.alive))
        if len(tries) < 8:
            raise Unavailable("The database does not answer.")
        return finish(*arguments)

    monkeypatch.setattr(desk.attempts, "finish", away_at_first)
    runner._run_job(job.job_id)
    assert tries == [[f"step:{task.task_id}:convert_audio:1"]] * 8
    assert processes.runs == 1
    [run] = desk.store.step_runs(task.task_id)
    assert (run.state, run.result) == (RunState.COMPLETED, {"clips": 3})
    assert processes.alive == {}
    assert desk.store.open_jobs() == []


def test_a_full_disk_under_the_log_fails_no_step(
    desk: Desk, runner: JobRunner, processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = desk.new_task()
    job = desk.planner.plan_step(task.task_id, StepName.CONVERT_AUDIO, {})

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ray_pipeline.coordinator.ledger.append_log", full)
    runner._run_job(job.job_id)
    [run] = desk.store.step_runs(task.task_id)
    assert (run.state, run.attempt) == (RunState.COMPLETED, 1)


def test_a_job_that_could_not_be_handed_over_is_still_answered_and_found_later(
    desk: Desk, runner: JobRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = desk.planner.plan_step(desk.new_task().task_id, StepName.CONVERT_AUDIO, {})

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(runner, "_enqueue", full)
    runner.enqueue(job)
    assert [open_job.job_id for open_job in desk.store.open_jobs()] == [job.job_id]


def test_one_question_finds_the_job_that_lost_its_workflow_or_its_thread(
    desk: Desk, runner: JobRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned = [
        desk.planner.plan_step(desk.new_task().task_id, StepName.CONVERT_AUDIO, {})
        for _ in range(3)
    ]
    first, second, lost = (job.job_id for job in planned)
    going = [
        SimpleNamespace(
            workflow_id=first, status="PENDING", app_version=runner_module.WORKFLOW_VERSION
        ),
        SimpleNamespace(workflow_id=f"{second}:1", status="ENQUEUED", app_version=None),
        SimpleNamespace(workflow_id=lost, status="PENDING", app_version="older"),
    ]
    asked: list[str | None] = []
    now = [0.0]
    runner._live = LiveJobs(lambda: now[0])
    handed_over: list[tuple[str, str]] = []

    def list_workflows(workflow_id_prefix: str | None = None, **_: object) -> list[object]:
        asked.append(workflow_id_prefix)
        return [each for each in going if each.workflow_id.startswith(workflow_id_prefix or "")]

    monkeypatch.setattr(runner_module.DBOS, "list_workflows", list_workflows)
    monkeypatch.setattr(runner_module.DBOS, "cancel_workflow", lambda workflow_id: None)
    monkeypatch.setattr(runner, "_enqueue", lambda *ids: handed_over.append(ids))
    runner._adopt_all()
    assert asked == [None, lost]
    assert handed_over == [(lost, f"{lost}:1")]
    # The first is PENDING, and for a while its thread may be about to begin.
    going[2] = SimpleNamespace(workflow_id=f"{lost}:1", status="ENQUEUED", app_version=None)
    now[0] = GRACE_SECONDS + 1
    with runner._live.working_on(first):
        runner._adopt_all()
        assert handed_over == [(lost, f"{lost}:1")]
    runner._adopt_all()
    now[0] += GRACE_SECONDS + 1
    runner._adopt_all()
    assert handed_over[1:] == [(first, f"{first}:1")]


def test_a_job_that_is_given_up_leaves_no_process_behind(
    desk: Desk, runner: JobRunner, processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = desk.new_task()
    job = desk.planner.plan_step(task.task_id, StepName.CONVERT_AUDIO, {})
    assert job.first_run is not None
    assert desk.attempts.start(job.first_run) is not None
    name = f"step:{task.task_id}:convert_audio:1"
    processes.alive[name] = object()

    def fault(*_: object) -> bool:
        raise ValueError("a bug of ours")

    monkeypatch.setattr(runner, "do_step", fault)
    runner._run_job(job.job_id)
    assert processes.ended == [name]
    assert desk.store.get_task(task.task_id).status is TaskStatus.FAILED


def test_a_training_without_a_worker_says_so_and_is_tried_anew(
    desk: Desk, processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    task, now = desk.new_task(), 0.0
    row = desk.ledger.row(StepName.CONVERT_AUDIO)
    desk.ledger.steps = {**desk.ledger.steps, row.name: replace(row, trains=True)}
    starving = StarvingTrainings(desk.ledger, desk.attempts, lambda: now)
    job = desk.planner.plan_step(task.task_id, StepName.CONVERT_AUDIO, {})
    assert job.first_run is not None
    assert desk.attempts.start(job.first_run) is not None
    name = f"step:{task.task_id}:convert_audio:1"
    processes.alive[name] = "its actor"
    wanted = Reservation(
        group_id="g", owner="its actor", is_placed=False, is_abandoned=False, cpus=2.0, gpus=1.0
    )
    monkeypatch.setattr("ray_pipeline.coordinator.starving.reservations", lambda: [wanted])
    free = {"CPU": 0.5}
    monkeypatch.setattr(runner_module.ray, "available_resources", lambda: free)
    starving.look()
    assert starving.count == 0
    now = SAY_AFTER_SECONDS
    starving.look()
    [run] = desk.store.step_runs(task.task_id)
    said = "2 CPU(s) and 1 GPU(s) are needed, 0.5 CPU(s) and 0 GPU(s) are free"
    assert run.message == f"no worker could start yet: {said}"
    assert starving.count == 1
    now = TRY_ANEW_AFTER_SECONDS
    starving.look()
    first, second = desk.store.step_runs(task.task_id)
    assert (first.state, second.state) == (RunState.INTERRUPTED, RunState.QUEUED)
    assert said in first.message
    assert processes.ended == [name]


def test_a_full_disk_under_a_step_is_named_and_not_called_unexpected() -> None:
    try:
        try:
            with Path("/dev/full").open("wb", buffering=0) as full:
                full.write(b"x")
        except OSError as error:
            raise RuntimeError("as a library wraps it") from error
    except RuntimeError as error:
        told = _error_data(error, "slice_audio")
    assert (told["code"], told["step"]) == ("storage_full", "slice_audio")
    assert "no room left" in told["message"]
