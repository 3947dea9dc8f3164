"""What may run when, with which parameters; skipping, staleness and cancelling."""

from __future__ import annotations

import pytest

from ray_pipeline.coordinator.attempt_end import AttemptEnd
from ray_pipeline.coordinator.attempts import Turn
from ray_pipeline.coordinator.interface import PlannedJob
from ray_pipeline.core.errors import InvalidInput, NotFound, StepNotReady, TaskBusy
from ray_pipeline.core.manifest import ClipEntry, Manifest
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.task import RunState, Task, TaskStatus
from tests.coordinator.conftest import Desk

CONVERT, SLICE, DENOISE = StepName.CONVERT_AUDIO, StepName.SLICE_AUDIO, StepName.DENOISE_AUDIO
ASR, TEXT = StepName.ASR_TRANSCRIBE, StepName.EXTRACT_TEXT_FEATURES


def finish(desk: Desk, job: PlannedJob, made: str = "the same") -> list[StepName]:
    """Run a job to its end, each step making `made`; the steps that ran."""
    ran: list[StepName] = []
    for position in range(len(job.steps)):
        turn, run = desk.attempts.next_turn(job.job_id, position)
        if turn is Turn.RUN and run is not None:
            desk.attempts.start(run)
            manifest = Manifest(run.step)
            manifest.add(ClipEntry(name="clip", key=made))
            manifest.save(desk.ledger.workspace(run.task_id))
            desk.attempts.finish(run, AttemptEnd(summary={}))
            ran.append(run.step)
    desk.attempts.close(job.job_id)
    return ran


def run_steps(
    desk: Desk,
    task: Task,
    first: StepName | None = None,
    last: StepName | None = None,
    params: dict | None = None,
    force: bool = False,
) -> PlannedJob:
    return desk.planner.plan_steps(task.task_id, first, last, params or {}, force)


def test_a_step_is_queued_with_all_its_parameters(desk: Desk) -> None:
    task = desk.new_task()
    job = desk.planner.plan_step(task.task_id, CONVERT, {"min_seconds": 2})
    assert job.first_run is not None
    assert job.first_run.params["min_seconds"] == 2
    assert job.first_run.params["time_limit_seconds"] == 600
    assert desk.store.get_task(task.task_id).status is TaskStatus.QUEUED


def test_no_recordings_no_step(desk: Desk) -> None:
    task = desk.new_task()
    desk.tasks.remove_file(task.task_id, "input_audio/a.wav")
    with pytest.raises(StepNotReady, match="Upload audio"):
        desk.planner.plan_step(task.task_id, CONVERT, {})


def test_a_task_that_waits_or_runs_refuses_a_second_job(desk: Desk) -> None:
    task = desk.new_task()
    desk.planner.plan_step(task.task_id, CONVERT, {})
    with pytest.raises(TaskBusy):
        desk.planner.plan_step(task.task_id, CONVERT, {})
    with pytest.raises(TaskBusy):
        run_steps(desk, task)


def test_a_refused_request_changes_nothing(desk: Desk) -> None:
    task = desk.new_task()
    before = desk.store.get_task(task.task_id), desk.store.newest_event(task.task_id)
    with pytest.raises(StepNotReady):
        desk.planner.plan_step(task.task_id, SLICE, {})
    with pytest.raises(InvalidInput):
        desk.planner.plan_step(task.task_id, CONVERT, {"nonsense": 1})
    after = desk.store.get_task(task.task_id), desk.store.newest_event(task.task_id)
    assert after == before


def test_the_shifted_slicer_names_are_answered_with_a_warning(desk: Desk) -> None:
    task = desk.new_task()
    finish(desk, run_steps(desk, task, last=CONVERT))
    job = desk.planner.plan_step(task.task_id, SLICE, {"min_length": -34, "min_interval": 4000})
    assert job.first_run is not None
    assert "by position" in job.first_run.warnings[0]
    assert job.first_run.params["threshold"] == -34


def test_a_skipped_step_is_over_at_once(desk: Desk) -> None:
    task = desk.new_task()
    finish(desk, run_steps(desk, task, last=SLICE))
    job = desk.planner.plan_step(task.task_id, DENOISE, {"enabled": False})
    assert job.is_over
    assert job.first_run is not None
    assert job.first_run.state is RunState.SKIPPED
    assert desk.store.get_task(task.task_id).status is TaskStatus.COMPLETED
    assert desk.planner.plan_step(task.task_id, ASR, {}).steps == [ASR]


def test_skipping_a_step_that_others_need_does_not_satisfy_them(desk: Desk) -> None:
    task = desk.new_task()
    desk.planner.plan_step(task.task_id, CONVERT, {"enabled": False})
    with pytest.raises(StepNotReady):
        desk.planner.plan_step(task.task_id, SLICE, {})


def test_skipping_after_a_result_drops_it_and_what_used_it_is_stale(desk: Desk) -> None:
    task = desk.new_task()
    finish(desk, run_steps(desk, task, last=ASR))
    manifest = desk.ledger.workspace(task.task_id).manifest_path(DENOISE)
    assert manifest.exists()
    desk.planner.plan_step(task.task_id, DENOISE, {"enabled": False})
    assert not manifest.exists()
    latest = desk.store.latest_runs(task.task_id)
    assert latest[ASR].stale
    assert not latest[SLICE].stale


def test_run_does_what_remains_and_nothing_when_all_is_done(desk: Desk) -> None:
    task = desk.new_task()
    finish(desk, run_steps(desk, task, last=SLICE))
    job = run_steps(desk, task)
    assert job.steps == list(StepName)[2:]
    finish(desk, job)
    assert desk.store.get_task(task.task_id).progress == 100
    nothing = run_steps(desk, task)
    assert (nothing.steps, nothing.first_run) == ([], None)


def test_a_new_upload_is_taken_in_by_run_only_as_far_as_something_changes(desk: Desk) -> None:
    task = desk.new_task()
    finish(desk, run_steps(desk, task))
    desk.give(task, "b.wav", "two")
    assert desk.store.latest_runs(task.task_id)[CONVERT].stale
    assert finish(desk, run_steps(desk, task)) == [CONVERT]
    desk.give(task, "c.wav", "three")
    assert finish(desk, run_steps(desk, task), made="something else") == list(StepName)


def test_a_stale_result_may_be_used_with_a_warning(desk: Desk) -> None:
    task = desk.new_task()
    finish(desk, run_steps(desk, task, last=CONVERT))
    desk.give(task, "b.wav", "two")
    job = desk.planner.plan_step(task.task_id, SLICE, {})
    assert "out of date" in job.warnings[0]


def test_no_request_remembers_the_parameters_of_an_earlier_one_and_the_answer_says_so(
    desk: Desk,
) -> None:
    task = desk.new_task()
    params = {SLICE: {"threshold": -40}}
    finish(desk, run_steps(desk, task, last=SLICE, params=params))
    said = (
        "slice_audio: threshold is -34, its default; the last result was made with -40. "
        "Give it in params to keep that."
    )
    job = run_steps(desk, task, first=SLICE, last=SLICE)
    assert job.first_run is not None
    assert job.first_run.params["threshold"] == -34
    assert job.warnings == [said]
    desk.halting.cancel(task.task_id)
    step = desk.planner.plan_step(task.task_id, SLICE, {})
    assert step.first_run is not None
    assert step.first_run.params == job.first_run.params
    assert step.first_run.warnings == [said]


def test_parameters_that_a_request_gives_are_not_warned_about(desk: Desk) -> None:
    task = desk.new_task()
    finish(desk, run_steps(desk, task, last=SLICE, params={SLICE: {"threshold": -40}}))
    for threshold in (-40, -20):
        job = run_steps(
            desk, task, first=SLICE, last=SLICE, params={SLICE: {"threshold": threshold}}
        )
        assert job.warnings == []
        finish(desk, job)


def test_run_leaves_alone_what_is_done_whatever_it_was_done_with(desk: Desk) -> None:
    task = desk.new_task()
    finish(desk, run_steps(desk, task, last=SLICE, params={SLICE: {"threshold": -40}}))
    job = run_steps(desk, task, last=ASR)
    assert (job.steps, job.warnings) == ([DENOISE, ASR], [])
    result = desk.store.latest_runs(task.task_id)[SLICE]
    assert result.params["threshold"] == -40


def test_force_runs_everything_again(desk: Desk) -> None:
    task = desk.new_task()
    finish(desk, run_steps(desk, task, last=SLICE))
    job = run_steps(desk, task, last=SLICE, force=True)
    assert job.steps == [CONVERT, SLICE]
    assert job.first_run is not None
    assert job.first_run.params["force"] is True
    finish(desk, job)
    again = run_steps(desk, task, first=SLICE, last=SLICE)
    assert again.first_run is not None
    assert again.first_run.params["force"] is False


@pytest.mark.parametrize(
    ("first", "last", "params", "field"),
    [
        (TEXT, SLICE, {}, "from"),
        (None, SLICE, {TEXT: {}}, "params.extract_text_features"),
        (None, None, {SLICE: {"hop_size": 0}}, "params.hop_size"),
    ],
)
def test_a_job_that_makes_no_sense_is_refused(
    desk: Desk, first: StepName, last: StepName, params: dict, field: str
) -> None:
    task = desk.new_task()
    with pytest.raises(InvalidInput) as error:
        run_steps(desk, task, first, last, params)
    assert error.value.extra["field"] == field


def test_a_base_model_without_speaker_vectors_skips_their_step(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = desk.new_task()
    with desk.store.change(task.task_id) as change:
        change.settle_base_model("v2")
    step = StepName.EXTRACT_SPEAKER_VECTORS
    job = desk.planner.plan_step(task.task_id, step, {})
    assert job.first_run is not None
    assert job.first_run.state is RunState.SKIPPED
    assert "needs no extract_speaker_vectors" in job.first_run.warnings[0]
    assert step not in run_steps(desk, task).steps


def test_cancelling_ends_the_job_and_marks_what_it_may_have_touched(desk: Desk) -> None:
    task = desk.new_task()
    finish(desk, run_steps(desk, task, last=SLICE))
    job = run_steps(desk, task, first=SLICE)
    _, run = desk.attempts.next_turn(job.job_id, 0)
    assert run is not None
    desk.attempts.start(run)
    outcome = desk.halting.cancel(task.task_id)
    assert outcome.cancelled
    assert outcome.task.status is TaskStatus.CANCELLED
    assert [ended.run_id for ended in outcome.runs] == [run.run_id]
    assert desk.attempts.next_turn(job.job_id, 0) == (Turn.STOP, None)
    first, second = (r for r in desk.store.step_runs(task.task_id) if r.step is SLICE)
    assert first.stale
    assert second.state is RunState.CANCELLED
    assert not desk.halting.cancel(task.task_id).cancelled


def test_cancelling_between_two_steps_shows_on_the_task(desk: Desk) -> None:
    task = desk.new_task()
    job = run_steps(desk, task, last=SLICE)
    _, run = desk.attempts.next_turn(job.job_id, 0)
    assert run is not None
    desk.attempts.start(run)
    desk.attempts.finish(run, AttemptEnd())
    assert desk.store.get_task(task.task_id).status is TaskStatus.RUNNING
    assert desk.halting.cancel(task.task_id).task.status is TaskStatus.CANCELLED


def test_a_voice_to_start_from_is_looked_for_before_anything_is_queued(desk: Desk) -> None:
    task = desk.new_task()
    with desk.ledger.change(task.task_id) as change:
        change.settle_base_model("v2")
    params = {StepName.TRAIN_GPT: {"start_from": "nobody"}}
    with pytest.raises(NotFound, match="nobody"):
        run_steps(desk, task, params=params)
    assert desk.store.is_idle(task.task_id)


def test_where_no_voice_can_be_a_start_none_is_looked_for(desk: Desk) -> None:
    task = desk.new_task()  # of nano; the training itself warns
    job = run_steps(desk, task, params={StepName.TRAIN_GPT: {"start_from": "nobody"}})
    assert StepName.TRAIN_GPT in job.steps
