"""The life of an attempt, without processes: turns, reports, ends, interruptions."""

from __future__ import annotations

from typing import Any

import pytest

from ray_pipeline.coordinator.attempt_end import AttemptEnd
from ray_pipeline.coordinator.attempts import MAX_INTERRUPTIONS, Turn
from ray_pipeline.coordinator.outbox import Report
from ray_pipeline.coordinator.task_log import read_log
from ray_pipeline.core.errors import StepFailed
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.task import EventKind, RunState, StepRun, Task, TaskStatus, Transcript
from tests.coordinator.conftest import Desk

CONVERT, ASR = StepName.CONVERT_AUDIO, StepName.ASR_TRANSCRIBE


def start(desk: Desk, task: Task, step: StepName = CONVERT) -> StepRun:
    job = desk.planner.plan_step(task.task_id, step, {})
    _, run = desk.attempts.next_turn(job.job_id, 0)
    assert run is not None
    started = desk.attempts.start(run)
    assert started is not None
    return started


def progress(fraction: float) -> Report:
    data: dict[str, Any] = {"done": fraction * 30, "total": 30, "fraction": fraction}
    return Report(kind=EventKind.PROGRESS, data=data | {"message": "talk.wav"})


def text(desk: Desk, task: Task) -> str:
    return read_log(desk.ledger.workspace(task.task_id))


def test_reports_become_events_progress_and_log_lines(desk: Desk) -> None:
    task = desk.new_task()
    start(desk, task)
    warning = Report(kind=EventKind.WARNING, data={"message": "too quiet", "clip": "a.wav"})
    said = [progress(0.4), Report(kind=EventKind.LOG, data={"message": "hello"}), warning]
    assert desk.attempts.record(task.task_id, CONVERT, 1, said)
    run = desk.store.step_runs(task.task_id)[0]
    assert (run.progress, run.message) == (0.4, "talk.wav")
    assert run.warnings == ["a.wav: too quiet"]
    kinds = [event.kind for event in desk.store.events(task.task_id, step=CONVERT)][-3:]
    assert kinds == [EventKind.PROGRESS, EventKind.LOG, EventKind.WARNING]
    for line in ("[convert_audio] 12 of 30: talk.wav", "] hello", "Warning: a.wav: too quiet"):
        assert line in text(desk, task)


def test_a_warning_of_a_running_step_is_not_logged_again_at_its_end(desk: Desk) -> None:
    task = desk.new_task()
    run = start(desk, task)
    silent = {"message": "a.wav is silent.", "clip": "a.wav"}  # as `work_through` says it
    desk.attempts.record(task.task_id, CONVERT, 1, [Report(kind=EventKind.WARNING, data=silent)])
    desk.attempts.finish(run, AttemptEnd(warnings=["a.wav is silent.", "b.wav is clipped."]))
    assert text(desk, task).count("a.wav is silent.") == 1
    assert text(desk, task).count("Warning: b.wav is clipped.") == 1
    [ended] = desk.store.step_runs(task.task_id)
    assert ended.warnings == ["a.wav is silent.", "b.wav is clipped."]


def test_the_log_gets_a_line_a_tenth_at_most(desk: Desk) -> None:
    task = desk.new_task()
    start(desk, task)
    for number in range(1, 101):
        desk.attempts.record(task.task_id, CONVERT, 1, [progress(number / 100)])
    assert text(desk, task).count(" of 30: ") == 10


def test_an_epoch_that_the_attempt_before_may_have_told_is_told_once(desk: Desk) -> None:
    task = desk.new_task()
    first = start(desk, task)

    def epoch(number: int, *, again: bool) -> Report:
        data = {"values": {"gpt/loss": 1 / (2 + number)}, "epoch": number, "step": 3 * number}
        return Report(kind=EventKind.METRIC, data=data, again=again)

    desk.attempts.record(task.task_id, CONVERT, 1, [epoch(1, again=False)])
    second = desk.attempts.interrupt(first, "its process died")
    assert second is not None
    desk.attempts.start(second)
    desk.attempts.record(task.task_id, CONVERT, 2, [epoch(1, again=True), epoch(2, again=True)])
    desk.attempts.record(task.task_id, CONVERT, 2, [epoch(3, again=False)])
    told = desk.store.events(task.task_id, kinds=[EventKind.METRIC])
    assert [event.data["epoch"] for event in told] == [1, 2, 3]


def test_an_attempt_that_was_followed_or_is_over_is_not_heard(desk: Desk) -> None:
    task = desk.new_task()
    first = start(desk, task)
    second = desk.attempts.interrupt(first, "its process died")
    assert second is not None
    desk.attempts.start(second)
    assert not desk.attempts.record(task.task_id, CONVERT, 1, [progress(0.9)])
    assert desk.attempts.finish(first, AttemptEnd()) is None
    assert desk.attempts.interrupt(first, "again") is None
    assert desk.attempts.record(task.task_id, CONVERT, 2, [progress(0.1)])
    assert desk.attempts.finish(second, AttemptEnd()) is not None
    assert not desk.attempts.record(task.task_id, CONVERT, 2, [progress(0.2)])


def test_an_interrupted_attempt_keeps_its_times_and_the_next_starts_afresh(desk: Desk) -> None:
    task = desk.new_task()
    first = start(desk, task)
    second = desk.attempts.interrupt(first, "its process died")
    runs = desk.store.step_runs(task.task_id)
    assert [(run.attempt, run.state) for run in runs] == [
        (1, RunState.INTERRUPTED),
        (2, RunState.QUEUED),
    ]
    assert runs[0].started_at == first.started_at
    assert runs[1].started_at is None
    assert desk.attempts.next_turn(first.job_id, 0) == (Turn.RUN, second)
    assert desk.store.get_task(task.task_id).status is TaskStatus.QUEUED


def test_a_step_that_dies_again_and_again_fails_with_a_hint(desk: Desk) -> None:
    task = desk.new_task()
    run: StepRun | None = start(desk, task)
    for _ in range(MAX_INTERRUPTIONS):
        assert run is not None
        desk.attempts.start(run)
        run = desk.attempts.interrupt(run, "its process died")
    assert run is None
    failed = desk.store.get_task(task.task_id)
    assert failed.status is TaskStatus.FAILED
    assert "begun 5 times" in str(failed.error_message)
    assert "its process died" in str(failed.error_message)
    assert desk.store.open_jobs() == []


def test_when_the_coordinator_cannot_go_on_the_task_fails_instead_of_hanging(desk: Desk) -> None:
    task = desk.new_task()
    run = start(desk, task)
    desk.attempts.give_up(run.job_id, "OperationalError", "Traceback: secret")
    failed = desk.store.get_task(task.task_id)
    assert failed.status is TaskStatus.FAILED
    assert "OperationalError" in str(failed.error_message)
    assert desk.store.open_jobs() == []


def test_a_failure_keeps_its_traceback_out_of_what_clients_see(desk: Desk) -> None:
    task = desk.new_task()
    run = start(desk, task)
    error = StepFailed("It did not work.", hint="Do that.", clip="a.wav").as_dict()
    desk.attempts.finish(run, AttemptEnd(error=error, traceback="Traceback\n  secret line"))
    ended = desk.store.step_runs(task.task_id)[0]
    assert ended.error == error
    assert "Failed: It did not work. Do that." in text(desk, task)
    assert "secret" not in text(desk, task)
    assert "secret line" in desk.ledger.workspace(task.task_id).log_path.read_text()
    everything = str(desk.store.events(task.task_id)) + str(desk.store.get_task(task.task_id))
    assert "secret" not in everything


def test_a_result_that_is_the_same_again_leaves_later_steps_fresh(desk: Desk) -> None:
    task = desk.new_task()
    for step in (CONVERT, StepName.SLICE_AUDIO, CONVERT):
        desk.attempts.finish(start(desk, task, step), AttemptEnd())
    # No manifest: nobody knows what changed, so what follows is taken for out of date.
    assert desk.store.latest_runs(task.task_id)[StepName.SLICE_AUDIO].stale


def test_transcripts_of_the_user_survive_another_recognition(desk: Desk) -> None:
    task = desk.new_task()
    for step in (CONVERT, StepName.SLICE_AUDIO):
        desk.attempts.finish(start(desk, task, step), AttemptEnd())
    heard = [
        Transcript(clip=clip, text="heard", language="en", source="whisper")
        for clip in ("a.wav", "b.wav", "c.wav")
    ]
    desk.attempts.finish(start(desk, task, ASR), AttemptEnd(transcripts=heard))
    mine = Transcript(clip="a.wav", text="mine", language="en", include=False)
    assert desk.tasks.put_transcripts(task.task_id, [mine]) == 1
    desk.attempts.finish(start(desk, task, ASR), AttemptEnd(transcripts=heard[:2]))
    assert desk.store.transcripts(task.task_id) == [mine, heard[1]]


def test_files_are_listed_when_a_step_is_done(desk: Desk) -> None:
    task = desk.new_task()
    run = start(desk, task)
    workspace = desk.ledger.workspace(task.task_id)
    (workspace.output / "voice.wav").write_bytes(b"abc")
    desk.attempts.finish(run, AttemptEnd())
    files = {file.name: file for file in desk.store.files(task.task_id)}
    assert files["output/voice.wav"].kind == "output"
    (workspace.output / "voice.wav").unlink()
    desk.attempts.finish(start(desk, task), AttemptEnd())
    assert "output/voice.wav" not in [file.name for file in desk.store.files(task.task_id)]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_diverged_loss_is_null_and_not_broken_json(value: float) -> None:
    from ray_pipeline.coordinator.actor_progress import _finite

    assert _finite(value) is None
    assert _finite(2.5) == 2.5
