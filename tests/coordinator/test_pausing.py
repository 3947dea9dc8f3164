"""A task that is paused keeps its job and gives its processes back; resumed, it goes on."""

from __future__ import annotations

import pytest

from ray_pipeline.coordinator.attempt_end import AttemptEnd
from ray_pipeline.coordinator.attempts import Turn
from ray_pipeline.core.errors import TaskBusy
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.task import RunState, StepRun, TaskStatus
from tests.coordinator.conftest import Desk

CONVERT, SLICE = StepName.CONVERT_AUDIO, StepName.SLICE_AUDIO


def _start(desk: Desk, job_id: str, position: int = 0) -> StepRun:
    turn, run = desk.attempts.next_turn(job_id, position)
    assert turn is Turn.RUN
    assert run is not None
    desk.attempts.start(run)
    return run


def _job(desk: Desk, task_id: str) -> str:
    return desk.planner.plan_steps(task_id, CONVERT, SLICE, {}, False).job_id


def test_a_paused_task_keeps_its_job_which_stops_until_it_is_resumed(desk: Desk) -> None:
    task_id = desk.new_task().task_id
    job_id = _job(desk, task_id)
    run = _start(desk, job_id)
    pause = desk.halting.pause(task_id)
    assert pause.changed
    assert pause.task.status is TaskStatus.PAUSED
    assert [ended.run_id for ended in pause.runs] == [run.run_id]
    assert desk.attempts.next_turn(job_id, 0)[0] is Turn.STOP
    assert [job.job_id for job in desk.store.open_jobs()] == [job_id]
    assert desk.store.paused_jobs() == {job_id}

    resumed = desk.halting.resume(task_id)
    assert resumed.changed
    assert resumed.task.status is TaskStatus.QUEUED
    assert desk.store.paused_jobs() == set()
    again = _start(desk, job_id)
    assert again.attempt == run.attempt + 1
    assert again.params == run.params
    desk.attempts.finish(again, AttemptEnd())
    assert desk.attempts.next_turn(job_id, 1)[0] is Turn.RUN


def test_what_a_paused_attempt_still_says_is_not_recorded(desk: Desk) -> None:
    task_id = desk.new_task().task_id
    run = _start(desk, _job(desk, task_id))
    desk.halting.pause(task_id)
    assert desk.attempts.finish(run, AttemptEnd()) is None
    assert desk.attempts.interrupt(run, "its process died") is None
    assert not desk.attempts.record(task_id, run.step, run.attempt, [])
    assert desk.store.get_task(task_id).status is TaskStatus.PAUSED


def test_a_pause_between_two_steps_holds_the_second(desk: Desk) -> None:
    task_id = desk.new_task().task_id
    job_id = _job(desk, task_id)
    desk.attempts.finish(_start(desk, job_id), AttemptEnd())
    assert desk.halting.pause(task_id).runs[0].step is SLICE
    assert desk.attempts.next_turn(job_id, 1)[0] is Turn.STOP
    desk.halting.resume(task_id)
    assert _start(desk, job_id, 1).step is SLICE


def test_a_paused_task_starts_nothing_else_and_can_be_cancelled(desk: Desk) -> None:
    task_id = desk.new_task().task_id
    job_id = _job(desk, task_id)
    run = _start(desk, job_id)
    desk.halting.pause(task_id)
    with pytest.raises(TaskBusy) as refusal:
        desk.planner.plan_step(task_id, CONVERT, {})
    assert "Resume it" in refusal.value.hint
    cancellation = desk.halting.cancel(task_id)
    assert cancellation.task.status is TaskStatus.CANCELLED
    assert [ended.run_id for ended in cancellation.runs] == [run.run_id]
    assert desk.store.open_jobs() == []
    assert not desk.halting.resume(task_id).changed


def test_pausing_twice_and_resuming_what_runs_change_nothing(desk: Desk) -> None:
    task_id = desk.new_task().task_id
    assert not desk.halting.pause(task_id).changed
    assert not desk.halting.resume(task_id).changed
    _start(desk, _job(desk, task_id))
    assert not desk.halting.resume(task_id).changed
    desk.halting.pause(task_id)
    assert not desk.halting.pause(task_id).changed


def test_pauses_do_not_count_as_interruptions(desk: Desk) -> None:
    task_id = desk.new_task().task_id
    job_id = _job(desk, task_id)
    for _ in range(6):
        _start(desk, job_id)
        desk.halting.pause(task_id)
        desk.halting.resume(task_id)
    run = _start(desk, job_id)
    assert desk.attempts.interrupt(run, "its process died") is not None
    states = [each.state for each in desk.store.step_runs(task_id)]
    assert states == [*[RunState.PAUSED] * 6, RunState.INTERRUPTED, RunState.QUEUED]
