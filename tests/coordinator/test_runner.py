"""How a job attends to an attempt, with a stand-in where the attempt's process would be."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ray_pipeline.coordinator import runner as runner_module
from ray_pipeline.coordinator.runner import JobRunner
from ray_pipeline.coordinator.step_actor import _error_data
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.task import TaskStatus
from tests.coordinator.conftest import Desk


@pytest.fixture
def runner(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> JobRunner:
    # DBOS registers what it calls, and takes one runner a process.
    monkeypatch.setattr(runner_module.DBOSConfiguredInstance, "__init__", lambda self, name: None)
    return JobRunner(desk.ledger, desk.attempts)


def test_a_step_cancelled_while_its_process_starts_is_not_run(
    desk: Desk, runner: JobRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = desk.new_task()
    job = desk.planner.plan_step(task.task_id, StepName.CONVERT_AUDIO, {})
    ended: list[str] = []

    def start(assignment: Any) -> Any:
        # Whoever cancels now finds no process to end.
        desk.planner.cancel(task.task_id)
        return object()  # has no `run`: asking it to fails the test

    monkeypatch.setattr(runner_module, "start_step_actor", start)
    monkeypatch.setattr(runner_module, "end_step_actor", ended.append)
    monkeypatch.setattr(
        runner_module, "cluster_totals", lambda: runner_module.ClusterTotals(cpus=2)
    )
    assert job.first_run is not None
    name = f"step:{task.task_id}:convert_audio:1"
    runner._work(job.first_run, name, None)
    assert ended == [name]
    assert desk.store.get_task(task.task_id).status is TaskStatus.CANCELLED


def test_one_question_finds_the_job_that_lost_its_workflow(
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


def test_a_job_that_is_given_up_leaves_no_process_behind(
    desk: Desk, runner: JobRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = desk.new_task()
    job = desk.planner.plan_step(task.task_id, StepName.CONVERT_AUDIO, {})
    assert job.first_run is not None
    assert desk.attempts.start(job.first_run) is not None
    name = f"step:{task.task_id}:convert_audio:1"
    ended: list[str] = []

    def fault(*_: object) -> bool:
        raise ConnectionError("the database went away and came back")

    monkeypatch.setattr(runner, "do_step", fault)
    monkeypatch.setattr(runner_module, "end_step_actor", ended.append)
    monkeypatch.setattr(runner_module.ray.util, "list_named_actors", lambda **_: [{"name": name}])
    JobRunner.run_job.__wrapped__(runner, job.job_id)
    assert ended == [name]
    assert desk.store.get_task(task.task_id).status is TaskStatus.FAILED


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
