"""An experiment folder that was copied from GPT-SoVITS, or from another task, is gone on with."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from ray_pipeline.core.errors import BadModelFile, InvalidInput
from ray_pipeline.core.options import TrainGptOptions
from ray_pipeline.core.pretrained_bases import base_model
from ray_pipeline.core.step_context import StepContext
from ray_pipeline.core.workspace import Experiment
from ray_pipeline.training.adopting import adopt, copied_checkpoint
from ray_pipeline.training.gpt.plan import plan_gpt
from ray_pipeline.training.gpt.trainer import train_gpt
from ray_pipeline.training.run_folders import RunFolder
from ray_pipeline.training.sovits.trainer import train_sovits
from ray_pipeline.training.training_step import adopt_what_was_copied, training_key
from ray_pipeline.training.worker import LocalWorker
from tests.training.experiment import gpt_settings, sovits_settings
from tests.training.test_stopped_writing import assert_equal, weight_files

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Training:
    """Two epochs of three steps, and what the original calls the files of the first."""

    make: Callable[..., Any]
    train: Callable[..., None]
    names: dict[str, str]

    def settings(self, experiment: Experiment, out: Path, **more: Any) -> Any:
        return replace(self.make(experiment, out), epochs=2, **more)


SOVITS = Training(
    sovits_settings,
    train_sovits,
    # Its pages keep only the newest, under this number.
    {"G_3.pth": "G_233333333333.pth", "D_3.pth": "D_233333333333.pth"},
)
GPT = Training(gpt_settings, train_gpt, {"epoch=0-step=3.ckpt": "epoch=0-step=3.ckpt"})


@pytest.fixture(params=[SOVITS, GPT], ids=["sovits", "gpt"])
def training(request: pytest.FixtureRequest) -> Training:
    made: Training = request.param
    return made


def _copy_first_epoch(training: Training, settings: Any, run_folder: Path) -> None:
    settings.checkpoint_links.mkdir(parents=True)
    for ours, theirs in training.names.items():
        shutil.copy(run_folder / "epoch_00001" / ours, settings.checkpoint_links / theirs)


def test_a_training_that_was_begun_elsewhere_ends_with_the_weights_of_one_that_was_not(
    training: Training, experiment: Experiment, tmp_path: Path
) -> None:
    whole = training.settings(experiment, tmp_path / "out")
    training.train(whole, LocalWorker(tmp_path / "out" / "run"))
    expected = weight_files(whole.weights_folder)
    (tmp_path / "out").rename(tmp_path / "elsewhere")  # exports hold their paths

    settings = training.settings(experiment, tmp_path / "out")
    _copy_first_epoch(training, settings, tmp_path / "elsewhere" / "run")
    worker = LocalWorker(tmp_path / "out" / "run")
    assert adopt(settings, copied_checkpoint(settings), worker.run_folder) == 1
    training.train(settings, worker)

    assert [(report.epoch, report.step) for report in worker.reports] == [(2, 6)]
    [(name, content)] = weight_files(settings.weights_folder).items()
    assert_equal(content, expected[name], name)
    for theirs in training.names.values():  # what the user copied stays
        assert not (settings.checkpoint_links / theirs).is_symlink()
    ours = [path for path in settings.checkpoint_links.iterdir() if path.is_symlink()]
    assert len(ours) == len(training.names)


def test_epochs_that_were_done_elsewhere_count_in_batches_of_here(
    experiment: Experiment, tmp_path: Path
) -> None:
    """Its batches were larger, so its step 3 was not ours."""
    there = GPT.settings(experiment, tmp_path / "elsewhere")
    GPT.train(there, LocalWorker(tmp_path / "elsewhere" / "run"))
    settings = GPT.settings(experiment, tmp_path / "out", batch_size=1, max_steps=None)
    settings = replace(settings, recipe=replace(settings.recipe, min_steps=0))
    _copy_first_epoch(GPT, settings, tmp_path / "elsewhere" / "run")
    worker = LocalWorker(tmp_path / "out" / "run")
    adopt(settings, copied_checkpoint(settings), worker.run_folder)
    GPT.train(settings, worker)
    assert [(report.epoch, report.step) for report in worker.reports] == [(2, 10)]


def test_the_newest_whole_checkpoint_that_is_no_link_of_ours_is_taken(
    experiment: Experiment, tmp_path: Path
) -> None:
    settings = SOVITS.settings(experiment, tmp_path)
    folder = settings.checkpoint_links
    folder.mkdir(parents=True)
    for name in ("G_9.pth", "D_9.pth", "G_20.pth", "D_20.pth", "G_30.pth", "G_x.pth", "D_x.pth"):
        (folder / name).write_text(name)
    for letter in "GD":
        (folder / f"{letter}_40.pth").symlink_to(folder / f"{letter}_9.pth")
    assert [path.name for path in copied_checkpoint(settings)] == ["G_20.pth", "D_20.pth"]
    gpt = GPT.settings(experiment, tmp_path)
    gpt.checkpoint_links.mkdir(parents=True)
    assert copied_checkpoint(gpt) == ()
    for name in ("epoch=9-step=50.ckpt", "epoch=10-step=55.ckpt"):
        (gpt.checkpoint_links / name).write_text(name)
    assert [path.name for path in copied_checkpoint(gpt)] == ["epoch=10-step=55.ckpt"]
    assert gpt.epoch_of(copied_checkpoint(gpt)) == 11


def test_a_copy_with_as_many_epochs_as_are_asked_for_is_an_error_that_says_so(
    experiment: Experiment, tmp_path: Path
) -> None:
    settings = GPT.settings(experiment, tmp_path)
    settings.checkpoint_links.mkdir(parents=True)
    path = settings.checkpoint_links / "epoch=14-step=50.ckpt"
    path.write_text("unread")
    with pytest.raises(InvalidInput, match="15 epochs behind it, and 2 are asked for"):
        adopt(settings, [path], tmp_path / "run")


def test_a_damaged_copy_is_named(experiment: Experiment, tmp_path: Path) -> None:
    settings = SOVITS.settings(experiment, tmp_path)
    settings.checkpoint_links.mkdir(parents=True)
    for letter in "GD":
        (settings.checkpoint_links / f"{letter}_80.pth").write_text("no archive")
    with pytest.raises(BadModelFile, match="_80"):
        adopt(settings, copied_checkpoint(settings), tmp_path / "run")


def test_only_a_run_that_has_nothing_of_its_own_goes_on_from_a_copy(context: StepContext) -> None:
    options = TrainGptOptions(epochs=9)
    plan = plan_gpt(context, options, base_model("nano"))
    keys = [training_key(context, options, plan)]
    links = plan.settings.checkpoint_links
    links.mkdir(parents=True)
    (links / "epoch=6-step=20.ckpt").write_text("seven epochs")
    keys.append(training_key(context, options, plan))
    assert len(set(keys)) == 2  # so a training that was finished before is gone on with
    storage = context.workspace.scratch / "train_gpt"
    run = RunFolder("key", 1, forced=False)
    adopt_what_was_copied(context, plan.settings, run, storage / "new")
    [folder] = (storage / "new").iterdir()
    assert folder.name == "adopted_00007"
    adopt_what_was_copied(context, plan.settings, replace(run, forced=True), storage / "forced")
    (storage / "begun" / "inside_00000003").mkdir(parents=True)
    adopt_what_was_copied(context, plan.settings, run, storage / "begun")
    assert [path.name for path in storage.rglob("adopted*")] == ["adopted_00007"]
