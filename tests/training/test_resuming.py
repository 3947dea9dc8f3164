"""A training that was stopped inside an epoch ends with the very same weights, and goes on from
whole checkpoints only."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ray_pipeline.core.options import TrainGptOptions
from ray_pipeline.core.pretrained_bases import base_model
from ray_pipeline.core.step_context import StepContext
from ray_pipeline.core.workspace import Experiment
from ray_pipeline.training.checkpoints import Position
from ray_pipeline.training.gpt.plan import plan_gpt
from ray_pipeline.training.gpt.recipe import GPT_RECIPE
from ray_pipeline.training.gpt.trainer import GptTrainer
from ray_pipeline.training.mini.trainer import SynthesizerTrainer
from ray_pipeline.training.resuming import checkpoint_to_go_on_from, counted_here
from ray_pipeline.training.sovits.trainer import SovitsTrainer
from ray_pipeline.training.training_run import TrainingRun
from ray_pipeline.training.training_step import training_key
from ray_pipeline.training.worker import LocalWorker
from tests.training.experiment import gpt_settings, sovits_settings
from tests.training.interrupted import Interrupted, resumed
from tests.training.mini.experiment import stage2
from tests.training.test_stopped_writing import assert_equal, weight_files

pytestmark = pytest.mark.slow

Run = Callable[[Path, LocalWorker, Callable[[], float]], None]


class Clock:
    """Six minutes later each time it is asked. The process is stopped at the answer `stops_at`."""

    def __init__(self, stops_at: int | None = None) -> None:
        self.asked = 0
        self._stops_at = stops_at

    def __call__(self) -> float:
        self.asked += 1
        if self.asked == self._stops_at:
            raise Interrupted
        return self.asked * 360.0


def _gpt(experiment: Experiment, out: Path) -> Any:
    """With the original's recipe: gradients of four batches are summed up, over the end of an
    epoch, too; and with if_dpo, which draws copies."""
    settings = gpt_settings(experiment, out)
    recipe = replace(GPT_RECIPE, half_precision=False, preference=True)
    return replace(settings, recipe=recipe, batch_size=1, epochs=2, max_steps=None)


@pytest.fixture
def run(request: pytest.FixtureRequest) -> Run:
    """Trains in a folder; held-out clips, dropout and accumulation included."""
    trainers: dict[str, Any] = {
        "gpt": GptTrainer,
        "sovits": SovitsTrainer,
        "mini": SynthesizerTrainer,
    }

    def settings(out: Path) -> Any:
        if request.param == "mini":
            made: Any = stage2(request.getfixturevalue("mini_context"))
            paths = {name: out / name for name in ("weights_folder", "checkpoint_links")}
            return replace(made, **paths, curves_folder=out / "curves", config_path=out / "config")
        make = _gpt if request.param == "gpt" else sovits_settings
        made = make(request.getfixturevalue("experiment"), out)
        repeats = 2 if request.param == "gpt" else 1
        return replace(made, items=made.items[:4] * repeats, held_out=made.items[4:])

    def train(out: Path, worker: LocalWorker, clock: Callable[[], float]) -> None:
        made = settings(out)
        trainer = trainers[request.param]
        TrainingRun(made, worker, partial(trainer, made, worker), clock=clock).run()

    return train


@pytest.mark.parametrize("run", ["gpt", "sovits", "mini"], indirect=True)
def test_a_training_stopped_anywhere_ends_with_the_weights_of_one_that_was_not(
    run: Run, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    clock, whole = Clock(), LocalWorker(out / "run")
    run(out, whole, clock)
    expected = weight_files(out)
    assert len(expected) >= 4
    # Stopped at its sixth look at the clock, two batches on, and each time gone on with.
    shutil.rmtree(out)
    worker, stops = LocalWorker(out / "run"), 0
    while True:
        try:
            run(out, worker, Clock(stops_at=6))
            break
        except Interrupted:
            stops += 1
            worker_before, worker = worker, resumed(worker)
            worker.reports = worker_before.reports
    assert stops >= 2
    found = weight_files(out)
    assert found.keys() == expected.keys()
    for name, content in found.items():
        assert_equal(content, expected[name], name)
    for one, other in zip(whole.reports, worker.reports, strict=True):
        assert (one.epoch, one.step, one.clips) == (other.epoch, other.step, other.clips)
        assert (one.values, one.validation) == (other.values, other.validation)
    assert list((out / "run").glob("*inside*")) == []


@pytest.mark.parametrize("run", ["gpt"], indirect=True)
def test_there_is_one_checkpoint_inside_an_epoch_when_its_minutes_are_over(
    run: Run, tmp_path: Path
) -> None:
    worker = LocalWorker(tmp_path / "run")
    with pytest.raises(Interrupted):
        run(tmp_path, worker, Clock(stops_at=6))
    # Asked at the start, then at each batch, and each time after a checkpoint was written.
    assert [path.name for path in (tmp_path / "run").glob("*inside*")] == ["inside_00000002"]
    assert worker.reports == []
    folder = checkpoint_to_go_on_from(worker)
    assert folder is not None
    assert folder.name == "inside_00000002"
    worker.num_workers = 2  # other workers have other clips
    assert checkpoint_to_go_on_from(worker) is None


@pytest.mark.parametrize("run", ["gpt"], indirect=True)
def test_a_damaged_checkpoint_is_passed_over_for_the_one_before(run: Run, tmp_path: Path) -> None:
    worker = LocalWorker(tmp_path / "run")
    with pytest.raises(Interrupted):
        run(tmp_path, worker, Clock(stops_at=24))
    inside = checkpoint_to_go_on_from(worker)
    assert inside is not None
    assert inside.name.startswith("inside_")
    [path] = inside.glob("*.ckpt")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1  # one bit
    path.write_bytes(content)
    epoch = checkpoint_to_go_on_from(worker)
    assert epoch is not None
    assert epoch.name == "epoch_00001"
    (epoch / "loop.pt").unlink()
    assert checkpoint_to_go_on_from(worker) == epoch  # nothing else is left: it is refused by name


@pytest.mark.parametrize("run", ["gpt"], indirect=True)
def test_epochs_of_one_worker_count_in_batches_of_each_when_there_are_two(
    run: Run, tmp_path: Path
) -> None:
    """Else a training that was joined by a worker would end before its time."""
    worker = LocalWorker(tmp_path / "run")
    run(tmp_path, worker, Clock())
    folder = checkpoint_to_go_on_from(worker)
    assert folder is not None
    done = Position(2, 16)
    assert counted_here(folder, done, 8, worker) == done
    worker.num_workers = 2
    assert counted_here(folder, done, 4, worker) == Position(2, 8)


def test_how_often_checkpoints_are_written_makes_no_other_training(context: StepContext) -> None:
    keys = set()
    for minutes in (1.0, 5.0):
        options = TrainGptOptions(checkpoint_minutes=minutes)
        plan = plan_gpt(context, options, base_model("nano"))
        assert plan.settings.checkpoint_minutes == minutes
        keys.add(training_key(context, options, plan))
    assert len(keys) == 1
