"""From a word of the user to the weights that a training begins with."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from ray_pipeline.core.errors import InvalidInput, NotFound
from ray_pipeline.core.options import parse_task_config
from ray_pipeline.core.selection import Checkpoint
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.training_table import TrainingTable
from ray_pipeline.core.trainings import Trainings
from ray_pipeline.core.workspace import Workspace, atomic_write, tasks_folder
from ray_pipeline.library.keeping import Library
from ray_pipeline.library.starting import starting_weights
from ray_pipeline.store import Store
from tests.library.voice_files import about, draft

GPT, SOVITS = StepName.TRAIN_GPT, StepName.TRAIN_SOVITS


def start(store: Store, folder: Path, name: str, step: StepName = GPT, base: str = "v2") -> Path:
    return starting_weights(store, folder, name, step, base)


@pytest.fixture
def anna(store: Store, tmp_path: Path) -> Library:
    library = Library(store, tmp_path)
    library.create(about("anna"), draft(tmp_path / "one", base_model="v2"))
    second = draft(tmp_path / "two", "b", base_model="v2")
    library.add_version("anna", second, promote=False)
    return library


@pytest.fixture
def other_task(store: Store, tmp_path: Path) -> str:
    """Trained twice; its GPT chose the first epoch."""
    task_id = str(uuid.uuid4())
    store.create_task(task_id, "berta", parse_task_config({"base_model": "v2"}))
    workspace = Workspace(tasks_folder(tmp_path) / task_id)
    trainings = Trainings(workspace)
    for step, shown in ((GPT, "GPT_weights_v2"), (SOVITS, "SoVITS_weights_v2")):
        rows = []
        for epoch, loss in ((1, 2.0), (2, 3.0)):
            file = f"berta-e{epoch}.ckpt"
            atomic_write(trainings.folder(step, "run-1") / file, f"{step.value} {epoch}")
            judged = {"gpt/held_out_loss": loss} if step is GPT else {}
            rows.append(Checkpoint(epoch=epoch, step=epoch, file=file, size=1, validation=judged))
        table = TrainingTable(
            step=step, run="run-1", inputs="i", shown_in=shown, pattern="berta*", finished=True,
            checkpoints=tuple(rows),
        )  # fmt: skip
        table.save(trainings.folder(step, "run-1"))
        trainings.offer(table)
    return task_id


def test_a_kept_voice_gives_the_half_that_is_trained_of_the_version_that_is_named(
    store: Store, anna: Library, tmp_path: Path
) -> None:
    assert start(store, tmp_path, "anna").read_text() == "a.ckpt a"
    assert start(store, tmp_path, "anna", SOVITS).read_text() == "a.pth a"
    assert start(store, tmp_path, "anna@2", SOVITS).read_text() == "b.pth b"
    assert start(store, tmp_path, store.voice("anna").voice_id).read_text() == "a.ckpt a"


def test_another_task_gives_what_its_voice_is_made_of_or_the_file_that_is_named(
    store: Store, other_task: str, tmp_path: Path
) -> None:
    assert start(store, tmp_path, other_task).read_text() == "train_gpt 1"
    named = f"{other_task}/GPT_weights_v2/berta-e2.ckpt"
    assert start(store, tmp_path, named).read_text() == "train_gpt 2"


def test_a_voice_of_another_base_model_is_refused(
    store: Store, anna: Library, other_task: str, tmp_path: Path
) -> None:
    for name in ("anna", other_task, f"{other_task}/GPT_weights_v2/berta-e2.ckpt"):
        with pytest.raises(InvalidInput, match="base model v2, this task works with v2Pro"):
            start(store, tmp_path, name, base="v2Pro")


def test_what_is_not_there_is_said(
    store: Store, anna: Library, other_task: str, tmp_path: Path
) -> None:
    empty = str(uuid.uuid4())
    store.create_task(empty, "empty", parse_task_config({"base_model": "v2"}))
    for name, words in (
        ("nobody", "nobody"),
        ("anna@7", "version 7"),
        (empty, "no trained voice"),
        (f"{other_task}/no.ckpt", "no.ckpt"),
        ("some/file.ckpt", "no task 'some'"),
        (str(uuid.uuid4()), "no voice"),
    ):
        with pytest.raises(NotFound, match=words):
            start(store, tmp_path, name)
    with pytest.raises(InvalidInput):
        start(store, tmp_path, f"{other_task}/../secret")
