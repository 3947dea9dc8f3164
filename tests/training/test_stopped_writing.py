"""A process that dies inside the writing of a checkpoint or an export leaves the old or the new
one, never half of one, and the training goes on to the very same weights."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from ray_pipeline.core.errors import StorageFull
from ray_pipeline.core.step_context import StepContext
from ray_pipeline.core.workspace import Experiment, is_partial
from ray_pipeline.training.gpt.trainer import train_gpt
from ray_pipeline.training.mini.trainer import train_durations, train_synthesizer
from ray_pipeline.training.sovits.trainer import train_sovits
from ray_pipeline.weights.archive import load_archive
from tests.training.experiment import gpt_settings, sovits_settings
from tests.training.mini.experiment import stage1, stage2
from tests.training.stopping import RememberingWorker, run_until_killed

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Training:
    """Two epochs of three steps, which write into `folder` alone. Exports hold their paths, so
    runs that are compared need the same."""

    train: Callable[..., None]
    settings: Any
    folder: Path


Weights = dict[str, Any]


@pytest.fixture(scope="module")
def known_ends() -> dict[Path, Weights]:
    """What trainings of a folder ended with that nothing disturbed: each is done once."""
    return {}


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("trainings")


@pytest.fixture
def training(request: pytest.FixtureRequest, tmp_path: Path, parent: Path) -> Training:
    if request.param in ("sovits", "gpt"):
        experiment: Experiment = request.getfixturevalue("experiment")
        make, train = {
            "sovits": (sovits_settings, train_sovits),
            "gpt": (gpt_settings, train_gpt),
        }[request.param]
        folder = parent / request.param
        return Training(train, make(experiment, folder), folder)
    context: StepContext = request.getfixturevalue("mini_context")
    stage, train_stage = {
        "mini durations": (stage1, train_durations),
        "mini synthesizer": (stage2, train_synthesizer),
    }[request.param]

    out = tmp_path / "out"
    settings = replace(
        stage(context),
        weights_folder=out / "weights",
        checkpoint_links=out / "links",
        curves_folder=out / "links",
        config_path=out / "config",
    )
    return Training(train_stage, settings, out)


@pytest.fixture
def whole(training: Training, known_ends: dict[Path, Weights]) -> Iterator[Weights]:
    """What the training ends with undisturbed; its folder is empty again."""
    folder = training.folder
    if folder not in known_ends:
        training.train(training.settings, RememberingWorker(folder / "run"))
        known_ends[folder] = weight_files(folder)
        shutil.rmtree(folder)
    yield known_ends[folder]
    shutil.rmtree(folder)


def weight_files(folder: Path) -> Weights:
    """Every file below the folder that a reader could take for weights, read whole."""
    paths = [path for path in folder.rglob("*") if path.suffix in (".pth", ".ckpt", ".safetensors")]
    return {
        str(path.relative_to(folder)): load_file(path)
        if path.suffix == ".safetensors"
        else load_archive(path)
        for path in paths
        if not is_partial(path)
    }


def assert_equal(one: Any, other: Any, where: str) -> None:
    if isinstance(one, torch.Tensor):
        assert torch.equal(one, other), where
    elif isinstance(one, dict):
        assert one.keys() == other.keys(), where
        for key in one:
            assert_equal(one[key], other[key], f"{where}[{key}]")
    elif isinstance(one, list | tuple):
        assert len(one) == len(other), where
        for number, (left, right) in enumerate(zip(one, other, strict=True)):
            assert_equal(left, right, f"{where}[{number}]")
    else:
        assert one == other, where


@pytest.mark.parametrize(
    ("training", "at"),
    [
        ("sovits", "middle 40000"),  # inside the export
        ("sovits", "renamed G_6.pth"),  # the discriminator is missing
        ("sovits", "renamed D_6.pth"),  # whole, but not reported
        ("sovits", "linked G_6.pth"),
        ("gpt", "middle 20000"),
        ("gpt", "written voice-e2.ckpt"),
        ("gpt", "renamed voice-e2.ckpt"),
        ("gpt", "written epoch=1-step=6.ckpt"),
        ("gpt", "renamed epoch=1-step=6.ckpt"),
        ("gpt", "linked epoch=1-step=6.ckpt"),
        ("mini durations", "written voice-e2.safetensors"),
        ("mini durations", "renamed epoch=2-step=6.ckpt"),
        ("mini synthesizer", "middle 20000"),
        ("mini synthesizer", "written epoch=2-step=6.ckpt"),
    ],
    indirect=["training"],
)
def test_a_training_stopped_inside_a_write_leaves_old_or_new_and_ends_the_same(
    training: Training, whole: Weights, at: str
) -> None:
    folder, settings = training.folder, training.settings
    run_until_killed(training.train, settings, folder / "run", at)

    left = weight_files(folder)
    assert left, "the first epoch's are there"
    for name, content in left.items():
        assert_equal(content, whole[name], name)
    again = RememberingWorker(folder / "run")
    assert again.latest_checkpoint() is not None
    epochs_left = [] if at.startswith("linked") else [2]

    training.train(settings, again)

    assert [report.epoch for report in again.reports] == epochs_left
    ended = weight_files(folder)
    assert ended.keys() == whole.keys()
    for name, content in ended.items():
        assert_equal(content, whole[name], name)
    assert [path for path in folder.rglob("*") if is_partial(path)] == []


@pytest.mark.parametrize("training", ["sovits", "gpt"], indirect=True)
def test_a_training_killed_at_any_step_ends_with_the_same_weights(
    training: Training, whole: Weights
) -> None:
    """Where, a seed decides."""
    folder, look = training.folder, random.Random(7).randint(2, 12)
    settings = training.settings
    run_until_killed(training.train, settings, folder / "run", f"look {look}")
    again = RememberingWorker(folder / "run")
    training.train(settings, again)

    ended = weight_files(folder)
    assert ended.keys() == whole.keys()
    for name, content in ended.items():
        assert_equal(content, whole[name], name)


def test_a_disk_that_is_full_is_said_and_leaves_the_checkpoint_before(
    experiment: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel's device without room stands in for the files of the second epoch."""
    folder = tmp_path / "out"
    settings = gpt_settings(experiment, folder)
    train_gpt(settings, RememberingWorker(folder / "run"))
    whole = weight_files(folder)
    shutil.rmtree(folder)

    save = torch.save

    def fill() -> None:
        def onto_a_full_disk(content: Any, file: Any) -> None:
            with Path("/dev/full").open("wb") as full:
                save(content, full)

        monkeypatch.setattr(torch, "save", onto_a_full_disk)

    with pytest.raises(StorageFull):
        train_gpt(settings, RememberingWorker(folder / "run", then=fill))
    monkeypatch.undo()
    assert [path for path in folder.rglob("*") if is_partial(path)] == []
    for name, content in weight_files(folder).items():
        assert_equal(content, whole[name], name)

    again = RememberingWorker(folder / "run")
    train_gpt(settings, again)
    assert [report.epoch for report in again.reports] == [2]
    ended = weight_files(folder)
    assert ended.keys() == whole.keys()
    for name, content in ended.items():
        assert_equal(content, whole[name], name)
