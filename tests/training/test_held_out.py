"""Which clips are kept for judging, in whatever base and however often it is asked."""

from dataclasses import replace
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from ray_pipeline.core.options import TrainGptOptions, TrainSovitsOptions
from ray_pipeline.core.pretrained_bases import base_model
from ray_pipeline.core.progress import RecordingProgress
from ray_pipeline.core.step_context import StepContext
from ray_pipeline.core.workspace import Experiment
from ray_pipeline.training.gpt.plan import plan_gpt
from ray_pipeline.training.gpt.trainer import train_gpt
from ray_pipeline.training.held_out import held_out_names, usual_number
from ray_pipeline.training.reports import EpochLedger, ForwardReports
from ray_pipeline.training.sovits.plan import plan_sovits
from ray_pipeline.training.sovits.trainer import train_sovits
from ray_pipeline.training.training_step import training_key
from ray_pipeline.training.worker import LocalWorker
from tests.training.experiment import gpt_settings, make_experiment, sovits_settings
from tests.training.interrupted import Interrupted, StoppingWorker, resumed


@pytest.mark.parametrize(
    ("clips", "held_out"), [(1, 0), (9, 0), (10, 1), (19, 1), (20, 3), (100, 5), (4000, 20)]
)
def test_at_least_one_clip_is_held_out_of_ten_or_more(clips: int, held_out: int) -> None:
    names = [f"clip{i}" for i in range(clips)]
    assert usual_number(clips) == held_out
    assert len(held_out_names(names, seed=1)) == held_out


def test_held_out_clips_depend_on_the_seed_alone() -> None:
    names = [f"clip{i}" for i in range(100)]
    chosen = held_out_names(names, seed=1)
    assert held_out_names(names[::-1], seed=1) == chosen
    assert held_out_names(names, seed=2) != chosen


@pytest.mark.parametrize("base", ["v1", "v2", "nano"])
def test_both_trainings_of_every_base_hold_the_same_clips_out(
    context: StepContext, base: str
) -> None:
    make_experiment(context.experiment.folder, [2.0] * 12)
    gpt = plan_gpt(context, TrainGptOptions(), base_model(base)).settings
    sovits = plan_sovits(context, TrainSovitsOptions(), base_model(base)).settings
    [name] = {item.name for item in gpt.held_out}
    assert {item.name for item in sovits.held_out} == {name}
    for settings in (gpt, sovits):
        assert name not in settings.clip_names
        assert len(settings.clip_names) == 11


def test_nothing_is_held_out_under_strict_compat_unless_asked_for(context: StepContext) -> None:
    make_experiment(context.experiment.folder, [2.0] * 12)
    strict = context.config.model_copy(update={"strict_compat": True})
    context = replace(context, config=strict)

    def held_out(options: TrainGptOptions) -> int:
        return len(plan_gpt(context, options, base_model("v2")).settings.held_out)

    assert held_out(TrainGptOptions()) == 0
    assert held_out(TrainGptOptions(held_out_clips=2)) == 2


def test_as_many_clips_as_asked_for_are_held_out_and_some_are_left(context: StepContext) -> None:
    def kept(count: int, base: str) -> int:
        options = TrainSovitsOptions(held_out_clips=count)
        return len(plan_sovits(context, options, base_model(base)).settings.clip_names)

    assert [kept(count, "nano") for count in (0, 1, 50)] == [3, 2, 1]
    assert kept(50, "v2") == 2  # fewer the original cannot train on


def test_another_choice_of_clips_is_another_training(context: StepContext) -> None:
    keys = set()
    for options in (TrainGptOptions(), TrainGptOptions(held_out_clips=1)):
        keys.add(training_key(context, options, plan_gpt(context, options, base_model("nano"))))
    assert len(keys) == 2


@pytest.mark.parametrize(
    ("make", "train", "names"),
    [
        (gpt_settings, train_gpt, ["gpt/held_out_loss", "gpt/held_out_top3"]),
        (sovits_settings, train_sovits, ["sovits/held_out_mel"]),
    ],
)
def test_each_epoch_says_how_it_does_on_the_held_out_clips(
    experiment: Experiment, tmp_path: Path, make, train, names: list[str]
) -> None:
    def settings(out: Path):
        made = make(experiment, out)
        return replace(made, items=made.items[:4], held_out=made.items[4:])

    whole = LocalWorker(tmp_path / "a" / "run")
    train(settings(tmp_path / "a"), whole)
    assert [list(report.validation) for report in whole.reports] == [names, names]
    first, second = (report.validation[names[0]] for report in whole.reports)
    assert 0 < second != first > 0

    curves = EventAccumulator(str(settings(tmp_path / "a").curves_folder))
    curves.Reload()
    assert [point.step for point in curves.Scalars(f"epoch/{names[0]}")] == [3, 6]

    broken = StoppingWorker(tmp_path / "b" / "run")
    with pytest.raises(Interrupted):
        train(settings(tmp_path / "b"), broken)
    again = resumed(broken)
    train(settings(tmp_path / "b"), again)
    both = [*broken.reports, *again.reports]
    assert [report.validation for report in both] == [r.validation for r in whole.reports]


def test_the_numbers_on_held_out_clips_are_told_with_those_of_the_epoch(
    experiment: Experiment, tmp_path: Path
) -> None:
    settings = gpt_settings(experiment, tmp_path, max_steps=3)
    settings = replace(settings, items=settings.items[:4], held_out=settings.items[4:])
    worker = LocalWorker(tmp_path / "run")
    train_gpt(settings, worker)
    progress, ledger = RecordingProgress(), EpochLedger(tmp_path / "epochs.jsonl")
    # Other workers judge nothing.
    reports = [worker.reports[0], replace(worker.reports[0], validation={})]
    ForwardReports(progress, ledger).after_report(None, [r.as_dict() for r in reports], None)
    [told] = progress.metrics
    assert told["gpt/held_out_loss"] == worker.reports[0].validation["gpt/held_out_loss"]
    assert {"gpt/loss", "gpt/learning_rate"} <= set(told)
    [kept] = ledger.history().epochs
    assert kept.validation == worker.reports[0].validation
