"""What both training steps do around the run itself. Whole runs stand in tests/end_to_end."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ray_pipeline.core.manifest import ClipEntry, Manifest
from ray_pipeline.core.options import TrainGptOptions, TrainOptions, TrainSovitsOptions
from ray_pipeline.core.pretrained_bases import base_model
from ray_pipeline.core.step_context import StepContext
from ray_pipeline.core.step_names import StepName
from ray_pipeline.training.gpt.plan import plan_gpt
from ray_pipeline.training.mini.plan import plan_synthesizer
from ray_pipeline.training.mini.settings import SynthesizerSettings
from ray_pipeline.training.plan import TrainingPlan
from ray_pipeline.training.preflight import Room, look_at_memory
from ray_pipeline.training.reports import TrainingHistory
from ray_pipeline.training.sovits.plan import plan_sovits
from ray_pipeline.training.training_result import record
from ray_pipeline.training.training_step import finished_before, own_start, training_key
from ray_pipeline.training.worker import EpochReport
from tests.training.experiment import trained


@pytest.mark.parametrize("planner", [plan_sovits, plan_gpt])
def test_data_and_options_make_the_key_but_force_does_not(
    context: StepContext, planner: Callable[..., TrainingPlan]
) -> None:
    kind = TrainSovitsOptions if planner is plan_sovits else TrainGptOptions

    def key(options: TrainOptions, where: StepContext = context) -> str:
        return training_key(where, options, planner(where, options, base_model("nano")))

    plain = key(kind())
    assert key(kind(force=True)) == plain
    assert key(kind(epochs=9)) != plain
    other_seed = replace(context, config=context.config.model_copy(update={"seed": 5}))
    assert key(kind(), other_seed) != plain
    changed = Manifest(StepName.EXTRACT_TEXT_FEATURES)
    changed.add(ClipEntry("clip0.wav", "new"))
    changed.save(context.workspace)
    assert key(kind()) != plain


def _plan(context: StepContext, options: TrainSovitsOptions) -> TrainingPlan:
    """With the files that its training would leave."""
    return trained(context, plan_sovits(context, options, base_model("nano")), "run-1")


def _history(epoch: int = 1) -> TrainingHistory:
    report = EpochReport(epoch, 10, {"sovits/loss_mel": 1.0}, ["clip0.wav"], 2.0)
    return TrainingHistory([report], [["clip0.wav"]])


def test_a_finished_training_is_not_done_again(context: StepContext) -> None:
    options = TrainSovitsOptions()
    plan = _plan(context, options)
    key = training_key(context, options, plan)
    assert finished_before(context, options, key) is None
    made = record(context, options, plan, key, _history())
    assert made.summary["weights"] == "SoVITS_weights_nano/voice_e1_s10.pth"
    assert any("clip3.wav" in warning for warning in made.warnings)

    reused = finished_before(context, options, key)
    assert reused is not None
    assert reused.summary["reused"] is True
    assert finished_before(context, TrainSovitsOptions(force=True), key) is None
    (plan.settings.weights_folder / "voice_e1_s10.pth").unlink()
    assert finished_before(context, options, key) is None


def test_a_recipe_that_overrides_what_was_asked_says_so(context: StepContext) -> None:
    def warnings_of(options: TrainSovitsOptions, epochs_done: int) -> str:
        plan = _plan(context, options)
        made = record(context, options, plan, "key", _history(epochs_done))
        return "\n".join(made.warnings)

    overridden = warnings_of(TrainSovitsOptions(epochs=3), epochs_done=39)
    assert "39 epochs were done, 3 were asked for" in overridden
    assert "Batches of 2 were used, 16 were asked for" in overridden
    as_asked = warnings_of(TrainSovitsOptions(epochs=50, batch_size=2), epochs_done=50)
    assert "asked for" not in as_asked
    stopped = warnings_of(TrainSovitsOptions(epochs=50, max_steps=10), epochs_done=1)
    assert "epochs were done" not in stopped


def test_a_batch_that_was_left_to_the_memory_is_no_other_than_asked_for(
    context: StepContext,
) -> None:
    asked = TrainSovitsOptions(batch_size="auto")
    plan = _plan(context, asked)
    plan = replace(plan, settings=plan.settings.with_batch_size(1))
    made = record(context, asked, plan, "key", _history(50))
    assert not any("were asked for" in warning for warning in made.warnings)


def test_a_training_goes_on_with_the_batches_that_the_memory_allowed_first(
    context: StepContext, tmp_path: Path
) -> None:
    asked = TrainSovitsOptions(batch_size="auto")
    settings = plan_sovits(context, asked, base_model("v2")).settings
    assert settings.batch_size == 16
    first = look_at_memory(settings, Room(8), tmp_path / "run")
    assert 1 < first.batch_size < 16
    again = look_at_memory(settings, Room(100), tmp_path / "run")
    assert again.batch_size == first.batch_size
    told = [line for line in context.progress.logs if "batch_size auto" in line]
    assert len(told) == 2
    key = training_key(context, asked, plan_sovits(context, asked, base_model("v2")))
    other = plan_sovits(context, asked, base_model("v2"))
    other = replace(other, settings=other.settings.with_batch_size(3))
    assert training_key(context, asked, other) == key


def test_mini_takes_a_smaller_batch_into_its_recipes(mini_context: StepContext) -> None:
    config = mini_context.config.model_copy(update={"batch_size": "auto"})
    context = replace(mini_context, config=config)
    settings = plan_synthesizer(context, TrainSovitsOptions(), base_model("mini")).settings
    assert (settings.batch_size, settings.auto_batch) == (8, True)
    smaller = settings.with_batch_size(3)
    assert isinstance(smaller, SynthesizerSettings)
    assert {recipe.batch_size for recipe in smaller.recipes} == {smaller.batch_size} == {3}


def test_elastic_is_told_to_need_several_workers(context: StepContext) -> None:
    def warnings_of(gpu_id: str) -> list[str]:
        config = context.config.model_copy(update={"gpu_id": gpu_id})
        asked = TrainSovitsOptions(elastic=True)
        where = replace(context, config=config)
        made = record(where, asked, _plan(where, asked), "key", _history())
        return [warning for warning in made.warnings if "elastic" in warning]

    assert len(warnings_of("0")) == 1
    assert warnings_of("0-1") == []


def test_what_a_run_starts_from_stays_when_its_owner_removes_it(tmp_path: Path) -> None:
    start = tmp_path / "other.ckpt"
    start.write_text("weights")
    own = own_start(tmp_path / "run", start)
    start.unlink()
    assert own.read_text() == "weights"
    assert own.suffix == ".ckpt"  # loaders look at it
