"""From a task to what its trainings depend on."""

import json
from dataclasses import replace

import pytest
import yaml

from ray_pipeline.core.errors import NothingUsable, StepNotReady
from ray_pipeline.core.options import TrainGptOptions, TrainSovitsOptions
from ray_pipeline.core.pretrained_bases import BASE_MODELS, base_model
from ray_pipeline.core.step_context import StepContext
from ray_pipeline.core.step_names import StepName
from ray_pipeline.models.gpt.config import GptConfig
from ray_pipeline.models.sovits.config import SovitsConfig
from ray_pipeline.training.families import FAMILIES, plan_training
from ray_pipeline.training.gpt.plan import plan_gpt
from ray_pipeline.training.gpt.settings import GptSettings, gpt_file_config
from ray_pipeline.training.sovits.plan import plan_sovits
from ray_pipeline.training.sovits.settings import SovitsSettings, sovits_file_config
from tests.training.experiment import make_experiment

NANO = base_model("nano")


def _sovits(context: StepContext, options: TrainSovitsOptions | None = None) -> SovitsSettings:
    settings = plan_sovits(context, options or TrainSovitsOptions(), NANO).settings
    assert isinstance(settings, SovitsSettings)
    return settings


def _gpt(context: StepContext, options: TrainGptOptions | None = None) -> GptSettings:
    settings = plan_gpt(context, options or TrainGptOptions(), NANO).settings
    assert isinstance(settings, GptSettings)
    return settings


def test_every_base_has_trainings_of_its_family(context: StepContext) -> None:
    assert {base.family for base in BASE_MODELS.values()} == set(FAMILIES)
    first = plan_training(context, TrainGptOptions(), StepName.TRAIN_GPT)
    second = plan_training(context, TrainSovitsOptions(), StepName.TRAIN_SOVITS)
    assert isinstance(first.settings, GptSettings)
    assert isinstance(second.settings, SovitsSettings)


def test_nano_bounds_the_batch_and_leaves_out_clips_under_a_segment(context: StepContext) -> None:
    plan = plan_sovits(context, TrainSovitsOptions(), NANO)
    settings = _sovits(context)
    assert settings.batch_size == 2
    assert settings.epochs == context.config.epochs_s2
    assert settings.text_rate == 1.0
    assert settings.codebook == context.experiment.codebook
    assert settings.clip_names == {"clip0.wav", "clip1.wav", "clip2.wav"}
    assert [clip.name for clip in plan.dropped] == ["clip3.wav"]


def test_options_win_over_the_task(context: StepContext) -> None:
    settings = _gpt(context, TrainGptOptions(epochs=3, batch_size=1, max_steps=7))
    assert (settings.epochs, settings.batch_size, settings.max_steps) == (3, 1, 7)


def test_the_original_recipe_repeats_short_lists_and_keeps_four_batches(
    context: StepContext,
) -> None:
    base = base_model("v2")
    settings = plan_gpt(context, TrainGptOptions(), base).settings
    assert isinstance(settings, GptSettings)
    assert len(settings.items) == 4 * 25
    assert settings.batch_size == 16
    assert len(settings.clip_names) == 4
    assert settings.pretrained == context.models_dir / str(base.gpt)


def test_under_strict_compat_nothing_is_trained_in_bfloat16(context: StepContext) -> None:
    config = context.config.model_copy(update={"strict_compat": True})
    for each, expected in ((context, True), (replace(context, config=config), False)):
        settings = plan_gpt(each, TrainGptOptions(), base_model("v2")).settings
        assert isinstance(settings, GptSettings)
        assert settings.recipe.bfloat16 is expected


def test_if_dpo_reaches_the_recipe_and_halves_batches_as_in_the_original(
    context: StepContext,
) -> None:
    plan = plan_gpt(context, TrainGptOptions(if_dpo=True, batch_size=6), base_model("v2"))
    assert isinstance(plan.settings, GptSettings)
    assert plan.settings.recipe.preference
    assert plan.settings.batch_size == 3
    assert gpt_file_config(plan.settings, "float32")["train"]["if_dpo"] is True
    assert _gpt(context, TrainGptOptions(if_dpo=True, batch_size=1)).batch_size == 1
    assert not _gpt(context).recipe.preference


def test_sovits_repeats_a_short_list_by_what_was_listed_before_clips_dropped_out(
    context: StepContext,
) -> None:
    make_experiment(context.experiment.folder, [1.0] * 30 + [0.5] * 20)
    (context.experiment.content_of("clip0.wav")).unlink()
    plan = plan_sovits(context, TrainSovitsOptions(held_out_clips=0), base_model("v2"))
    assert len(plan.settings.clip_names) == 29
    assert len(plan.dropped) == 21
    assert len(plan.settings.items) == 2 * 29  # 49 have their files, so twice; 29 would be thrice


def test_clips_over_the_limit_of_sovits_are_named_with_what_to_do(context: StepContext) -> None:
    make_experiment(context.experiment.folder, [1.0, 1.0, 38.5])
    [long] = plan_sovits(context, TrainSovitsOptions(), base_model("v2")).dropped
    assert long.name == "clip2.wav"
    assert "0.64 to 38 s" in long.reason
    assert "max_seconds" in long.reason
    assert long.facts["reason"] == "wrong_length"


def test_too_few_clips_are_an_error_with_the_reason(context: StepContext) -> None:
    for path in context.experiment.content.iterdir():
        path.unlink()
    with pytest.raises(NothingUsable, match="4-cnhubert"):
        plan_sovits(context, TrainSovitsOptions(), NANO)


def test_without_features_the_step_is_not_ready(context: StepContext) -> None:
    context.experiment.semantic_table.unlink()
    with pytest.raises(StepNotReady):
        plan_gpt(context, TrainGptOptions(), NANO)


def test_file_configs_have_the_originals_sections_and_rebuild_the_models(
    context: StepContext,
) -> None:
    sovits, gpt = _sovits(context), _gpt(context)
    written = json.loads(json.dumps(sovits_file_config(sovits, "float32")))
    assert set(written) >= {"train", "data", "model", "s2_ckpt_dir", "name", "version"}
    assert SovitsConfig.from_export(written, "nano") == sovits.model
    assert str(context.workspace.root) not in json.dumps(written)
    written = yaml.safe_load(yaml.safe_dump(gpt_file_config(gpt, "float32")))
    assert set(written) >= {"train", "data", "model", "optimizer", "inference", "output_dir"}
    assert GptConfig.from_export(written) == gpt.model
    assert str(context.workspace.root) not in json.dumps(written)


def test_file_configs_say_the_precision_and_the_pretrained_files(context: StepContext) -> None:
    base = base_model("v2ProPlus")
    sovits = plan_sovits(context, TrainSovitsOptions(), replace(base, speaker_dim=6)).settings
    gpt = plan_gpt(context, TrainGptOptions(), base).settings
    assert isinstance(sovits, SovitsSettings)
    assert isinstance(gpt, GptSettings)
    train = sovits_file_config(sovits, "float16")["train"]
    assert (train["pretrained_s2G"], train["fp16_run"]) == ("s2Gv2ProPlus.pth", True)
    config = gpt_file_config(gpt, "float16")
    assert (config["pretrained_s1"], config["train"]["precision"]) == ("s1v3.ckpt", "16-mixed")
    assert gpt_file_config(gpt, "float32")["train"]["precision"] == "32"
