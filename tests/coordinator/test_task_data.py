"""Uploads, transcripts, and the end of a task."""

from __future__ import annotations

import json
from dataclasses import replace
from threading import Barrier, Thread

import pytest

from ray_pipeline.coordinator import task_data
from ray_pipeline.coordinator.attempt_end import AttemptEnd
from ray_pipeline.core.errors import InvalidInput, NotFound, StorageFull, TaskBusy
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.task import RunState, Transcript
from ray_pipeline.core.workspace import finish_deletions
from ray_pipeline.store import TaskChange
from tests.coordinator.conftest import Desk
from tests.coordinator.test_attempts import start


def test_a_new_task_has_its_folder_and_its_configuration_in_it(desk: Desk) -> None:
    task = desk.new_task(language="en", seed=5)
    workspace = desk.ledger.workspace(task.task_id)
    assert json.loads(workspace.config_path.read_text())["seed"] == 5
    assert workspace.input_audio.is_dir()


@pytest.mark.parametrize("where", ["disk", "database"])
def test_a_task_that_could_not_be_created_leaves_no_folder(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    if where == "disk":
        monkeypatch.setattr(task_data, "atomic_write", full)
    else:
        monkeypatch.setattr(desk.store, "create_task", full)
    with pytest.raises(OSError, match="No space"):
        desk.new_task()
    assert list(desk.settings.tasks_dir.iterdir()) == []
    assert desk.store.list_tasks() == []


def test_cancelling_an_idle_task_writes_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = desk.new_task()

    def full(*_: object, **__: object) -> None:
        raise StorageFull.said()

    monkeypatch.setattr(desk.store, "write", full)
    assert not desk.halting.cancel(task.task_id).cancelled
    with pytest.raises(NotFound):
        desk.halting.cancel("nobody")


def test_a_registered_upload_is_listed_with_its_hash(desk: Desk) -> None:
    task = desk.new_task()
    record = desk.store.files(task.task_id)[0]
    assert (record.name, record.kind, record.size) == ("input_audio/a.wav", "input", 3)
    assert len(record.sha256) == 64


@pytest.mark.parametrize("name", ["../other/a.wav", "/etc/passwd"])
def test_names_outside_the_task_are_refused(desk: Desk, name: str) -> None:
    task = desk.new_task()
    with pytest.raises(InvalidInput):
        desk.tasks.register_file(task.task_id, name)
    with pytest.raises(InvalidInput):
        desk.tasks.remove_file(task.task_id, name)


def test_an_upload_can_be_removed_by_its_name_alone(desk: Desk) -> None:
    task = desk.new_task()
    upload = desk.ledger.workspace(task.task_id).input_audio / "a.wav"
    assert upload.is_file()
    desk.tasks.remove_file(task.task_id, "a.wav")
    assert not upload.exists()


def test_a_file_of_another_folder_is_not_taken_for_an_upload_of_the_same_name(desk: Desk) -> None:
    task = desk.new_task()
    for name in ("output/a.wav", r"output\a.wav"):
        with pytest.raises(InvalidInput, match="no upload"):
            desk.tasks.remove_file(task.task_id, name)
    assert (desk.ledger.workspace(task.task_id).input_audio / "a.wav").is_file()


def test_only_uploads_can_be_removed_and_not_while_the_task_is_busy(desk: Desk) -> None:
    task = desk.new_task()
    with pytest.raises(InvalidInput):
        desk.tasks.remove_file(task.task_id, "task_config.json")
    with pytest.raises(NotFound):
        desk.tasks.remove_file(task.task_id, "input_audio/none.wav")
    desk.planner.plan_step(task.task_id, StepName.CONVERT_AUDIO, {})
    with pytest.raises(TaskBusy):
        desk.tasks.remove_file(task.task_id, "input_audio/a.wav")


@pytest.mark.parametrize(
    ("name", "stale"),
    [
        ("b.wav", [StepName.CONVERT_AUDIO]),
        ("a.txt", [StepName.SLICE_AUDIO, StepName.ASR_TRANSCRIBE]),
        ("mine.LIST", [StepName.SLICE_AUDIO, StepName.ASR_TRANSCRIBE]),
        ("names.dict", [StepName.EXTRACT_TEXT_FEATURES, StepName.TEST_INFERENCE]),
    ],
)
def test_an_upload_makes_the_steps_stale_that_read_it(
    desk: Desk, name: str, stale: list[StepName]
) -> None:
    task = desk.new_task()
    for step in StepName:
        desk.attempts.finish(start(desk, task, step), AttemptEnd())
    fresh = [step for step, run in desk.store.latest_runs(task.task_id).items() if not run.stale]
    assert fresh == list(StepName)
    desk.give(task, name, "new")
    runs = desk.store.latest_runs(task.task_id)
    assert [step for step, run in runs.items() if run.stale] == stale
    # What is written down is what will be done.
    assert desk.planner.plan_steps(task.task_id, None, None, {}, False).steps[0] is stale[0]


def test_a_recording_that_arrives_while_recordings_are_converted_is_not_forgotten(
    desk: Desk,
) -> None:
    task = desk.new_task()
    run = start(desk, task)
    desk.give(task, "late.wav", "two")
    desk.attempts.finish(run, AttemptEnd())
    done = desk.store.latest_runs(task.task_id)[StepName.CONVERT_AUDIO]
    assert (done.state, done.stale) == (RunState.COMPLETED, True)
    assert "uploaded while this ran" in done.warnings[0]
    plan = desk.planner.plan_steps(task.task_id, None, StepName.CONVERT_AUDIO, {}, False)
    assert plan.steps == [StepName.CONVERT_AUDIO]


def test_a_recording_that_a_step_listed_before_it_was_registered_is_not_forgotten(
    desk: Desk,
) -> None:
    task = desk.new_task()
    run = start(desk, task)
    late = desk.ledger.workspace(task.task_id).input_audio / "late.wav"
    late.write_text("two")  # the upload is there; its hash is still being taken
    desk.attempts.finish(run, AttemptEnd())
    desk.tasks.register_file(task.task_id, "input_audio/late.wav")
    assert desk.store.latest_runs(task.task_id)[StepName.CONVERT_AUDIO].stale


def test_transcripts_of_unknown_clips_are_refused(desk: Desk) -> None:
    task = desk.new_task()
    line = Transcript(clip="none.wav", text="x", language="en")
    with pytest.raises(InvalidInput, match="no clip"):
        desk.tasks.put_transcripts(task.task_id, [line])


def test_edits_reach_the_list_file_and_what_it_cannot_hold_is_refused(desk: Desk) -> None:
    task = desk.new_task()
    heard = [Transcript(clip=f"{name}.wav", text=name, language="en") for name in "ab"]
    with desk.store.change(task.task_id) as change:
        change.put_transcripts(heard)
    out = replace(heard[0], include=False)
    assert desk.tasks.put_transcripts(task.task_id, [out, heard[1]]) == 1
    workspace = desk.ledger.workspace(task.task_id)
    listed = workspace.list_path("my_speaker").read_text()
    assert listed == f"{workspace.sliced}/b.wav|my_speaker|EN|b\n"
    with pytest.raises(InvalidInput):
        desk.tasks.put_transcripts(task.task_id, [replace(heard[1], text="a|b")])
    assert desk.store.transcripts(task.task_id) == [out, heard[1]]
    assert workspace.list_path("my_speaker").read_text() == listed


def test_a_busy_task_keeps_its_files_and_names_of_no_task_touch_none(desk: Desk) -> None:
    task = desk.new_task()
    desk.planner.plan_step(task.task_id, StepName.CONVERT_AUDIO, {})
    with pytest.raises(TaskBusy):
        desk.tasks.delete_task(task.task_id)
    for name in ("..", ".", "", "nobody"):
        with pytest.raises(NotFound):
            desk.tasks.delete_task(name)
    assert (desk.ledger.workspace(task.task_id).input_audio / "a.wav").is_file()


def test_a_deletion_that_a_crash_interrupted_is_finished_at_the_next_start(desk: Desk) -> None:
    task = desk.new_task()
    workspace = desk.ledger.workspace(task.task_id)
    with pytest.raises(SystemExit), workspace.deleting():
        left = list(desk.settings.tasks_dir.iterdir())
        raise SystemExit
    assert workspace.root.is_dir()  # nothing was deleted, so nothing is missing
    workspace.root.replace(left[0])
    finish_deletions(desk.settings.tasks_dir)
    assert list(desk.settings.tasks_dir.iterdir()) == []


def test_two_deletions_at_once_leave_no_file(desk: Desk) -> None:
    """The one that comes too late must not put back what the other one removes."""
    refused: list[type[Exception]] = []

    def delete(task_id: str, together: Barrier) -> None:
        together.wait()
        try:
            desk.tasks.delete_task(task_id)
        except NotFound:
            refused.append(NotFound)

    for _ in range(3):
        task, together = desk.new_task(), Barrier(2)
        threads = [Thread(target=delete, args=(task.task_id, together)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert list(desk.settings.tasks_dir.iterdir()) == []
    assert refused == [NotFound] * 3


def test_a_task_that_became_busy_never_misses_its_folder(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = desk.new_task()
    root = desk.ledger.workspace(task.task_id).root

    def busy(change: TaskChange) -> None:
        assert root.is_dir()
        raise TaskBusy("Somebody has started a step.")

    monkeypatch.setattr(task_data, "require_idle", busy)
    with pytest.raises(TaskBusy):
        desk.tasks.delete_task(task.task_id)


def test_a_deleted_task_leaves_no_file(desk: Desk) -> None:
    task = desk.new_task()
    desk.tasks.delete_task(task.task_id)
    assert not desk.ledger.workspace(task.task_id).root.exists()
    with pytest.raises(NotFound):
        desk.tasks.delete_task(task.task_id)
