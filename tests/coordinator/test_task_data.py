"""Uploads, transcripts, and the end of a task."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from ray_pipeline.errors import InvalidInput, NotFound, TaskBusy
from ray_pipeline.step_names import StepName
from ray_pipeline.task import Transcript
from tests.coordinator.conftest import Desk


def test_a_new_task_has_its_folder_and_its_configuration_in_it(desk: Desk) -> None:
    task = desk.new_task(language="en", seed=5)
    workspace = desk.ledger.workspace(task.task_id)
    assert json.loads(workspace.config_path.read_text())["seed"] == 5
    assert workspace.input_audio.is_dir()
    assert desk.notified


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


def test_only_uploads_can_be_removed_and_not_while_the_task_is_busy(desk: Desk) -> None:
    task = desk.new_task()
    with pytest.raises(InvalidInput):
        desk.tasks.remove_file(task.task_id, "task_config.json")
    with pytest.raises(NotFound):
        desk.tasks.remove_file(task.task_id, "input_audio/none.wav")
    desk.planner.plan_step(task.task_id, StepName.CONVERT_AUDIO, {})
    with pytest.raises(TaskBusy):
        desk.tasks.remove_file(task.task_id, "input_audio/a.wav")


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


def test_a_deleted_task_leaves_no_file(desk: Desk) -> None:
    task = desk.new_task()
    desk.tasks.delete_task(task.task_id)
    assert not desk.ledger.workspace(task.task_id).root.exists()
    with pytest.raises(NotFound):
        desk.tasks.delete_task(task.task_id)
