"""Both trainings of mini in this process, with tiny networks."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from ray_pipeline.core.errors import BadModelFile, NothingUsable, StepFailed
from ray_pipeline.core.options import TrainGptOptions, TrainSovitsOptions
from ray_pipeline.core.progress import RecordingProgress
from ray_pipeline.core.step_context import StepContext
from ray_pipeline.models.mini.files import (
    load_durations,
    load_synthesizer,
    shipped_base,
)
from ray_pipeline.training.mini.plan import plan_durations, plan_synthesizer
from ray_pipeline.training.mini.settings import DurationSettings, SynthesizerSettings
from ray_pipeline.training.mini.trainer import train_durations, train_synthesizer
from ray_pipeline.training.worker import LocalWorker
from ray_pipeline.weights.files import load_gpt
from tests.training.interrupted import Interrupted, StoppingWorker, resumed
from tests.training.mini.experiment import MINI, stage1, stage2

pytestmark = pytest.mark.slow


def test_stage_1_leaves_exports_checkpoints_and_numbers(mini_context: StepContext) -> None:
    settings, worker = stage1(mini_context), LocalWorker(mini_context.workspace.root / "run")
    settings = replace(settings, items=settings.items[:3], held_out=settings.items[3:])
    train_durations(settings, worker)

    assert [report.step for report in worker.reports] == [3, 6]
    assert set(worker.reports[0].clips) == {"clip0.wav", "clip1.wav", "clip2.wav"}
    assert "mini/durations" in worker.reports[0].values
    assert [list(report.validation) for report in worker.reports] == [
        ["mini/held_out_durations"]
    ] * 2
    evaluation = worker.reports[-1].evaluation
    assert evaluation["held_out_clips"] == 1
    last = worker.reports[-1].validation["mini/held_out_durations"]
    assert evaluation["held_out_durations"] == last
    names = sorted(path.name for path in settings.weights_folder.glob("*.safetensors"))
    assert names == ["voice-e1.safetensors", "voice-e2.safetensors"]
    stage = load_durations(settings.weights_folder / names[1])
    facts = {"voice": "voice", "seed": "1234", "epoch": "2", "step": "6", "languages": "en zh"}
    assert stage.facts == facts
    assert stage.speaker.abs().sum() > 0
    links = sorted(path.name for path in settings.checkpoint_links.iterdir())
    assert links == ["epoch=1-step=3.ckpt", "epoch=2-step=6.ckpt"]
    assert "version: mini" in settings.config_path.read_text()
    assert isinstance(settings.progress, RecordingProgress)
    assert settings.progress.advances[-1][:2] == (6, 6)


def test_stage_2_trains_the_acoustic_model_and_then_the_vocoder(mini_context: StepContext) -> None:
    settings, worker = stage2(mini_context), LocalWorker(mini_context.workspace.root / "run")
    train_synthesizer(settings, worker)

    first, second = worker.reports
    assert {"mini/mel", "mini/pitch", "mini/voicing"} <= set(first.values)
    assert "mini/spectrum" in second.values
    newest = settings.weights_folder / "voice_e2_s6.safetensors"
    trained = load_synthesizer(newest).synthesizer
    assert trained.speaker.abs().sum() > 0
    before = load_file(settings.weights_folder / "voice_e1_s3.safetensors")
    changed = {name for name, x in load_file(newest).items() if not torch.equal(x, before[name])}
    assert {name.split(".")[0] for name in changed} == {"vocoder"}


@pytest.mark.parametrize("stage", [1, 2])
def test_a_training_that_was_interrupted_ends_with_the_weights_of_one_that_was_not(
    mini_context: StepContext, stage: int
) -> None:
    root = mini_context.workspace.root

    def run(worker: LocalWorker, out: Path) -> dict[str, torch.Tensor]:
        if stage == 1:
            first = replace(stage1(mini_context), weights_folder=out)
            train_durations(first, worker)
        else:
            second = replace(stage2(mini_context), weights_folder=out)
            train_synthesizer(second, worker)
        return load_file(max(out.glob("*.safetensors"), key=lambda path: path.stat().st_mtime_ns))

    whole = run(LocalWorker(root / "run1"), root / "weights1")
    broken = StoppingWorker(root / "run2")
    with pytest.raises(Interrupted):
        run(broken, root / "weights2")
    again = resumed(broken)
    weights = run(again, root / "weights2")
    assert all(torch.equal(weights[name], x) for name, x in whole.items())
    assert [report.epoch for report in again.reports] == [2]


def test_a_training_ends_when_held_out_clips_become_no_better(mini_context: StepContext) -> None:
    settings = stage1(mini_context, TrainGptOptions(epochs=2, max_steps=60, batch_size=2))
    [recipe] = settings.recipes
    worse = replace(recipe.schedule, learning_rate=1.0, warmup=1)
    recipe = replace(recipe, schedule=worse, judge_every=1, patience=2)
    settings = replace(
        settings, recipes=(recipe,), items=settings.items[:1], held_out=settings.items[1:]
    )
    worker = LocalWorker(mini_context.workspace.root / "run")
    train_durations(settings, worker)

    last = worker.reports[-1]
    assert last.step < 60
    assert "held_out_durations" in last.evaluation
    assert (settings.weights_folder / settings.export_name(last.epoch, last.step)).is_file()
    again = resumed(worker)
    train_durations(settings, again)
    assert again.reports == []


def test_fewer_than_three_held_out_clips_are_told_of_and_end_nothing(
    mini_context: StepContext,
) -> None:
    settings = stage2(mini_context)
    recipes = tuple(replace(recipe, judge_every=1, patience=1) for recipe in settings.recipes)
    settings = replace(
        settings, recipes=recipes, items=settings.items[:2], held_out=settings.items[2:]
    )
    worker = LocalWorker(mini_context.workspace.root / "run")
    train_synthesizer(settings, worker)

    assert worker.reports[-1].step == 6
    judged = [list(report.validation) for report in worker.reports]
    assert judged == [["mini/held_out_acoustic"], ["mini/held_out_vocoder"]]
    assert set(worker.reports[-1].evaluation) == {
        "held_out_acoustic",
        "held_out_vocoder",
        "held_out_clips",
    }


def test_files_of_the_two_families_are_refused_by_each_other(mini_context: StepContext) -> None:
    settings = stage1(mini_context)
    train_durations(settings, LocalWorker(mini_context.workspace.root / "run"))
    path = settings.weights_folder / "voice-e2.safetensors"
    with pytest.raises(BadModelFile):
        load_gpt(path, "v2")
    with pytest.raises(BadModelFile):
        load_synthesizer(path)


class SharingWorker(LocalWorker):
    """The only one of its group, with gradients shared as among several."""

    def share_gradients(self, module: nn.Module) -> nn.Module:
        return DistributedDataParallel(module, broadcast_buffers=False)


@pytest.mark.filterwarnings("ignore:Grad strides")
def test_every_weight_takes_part_in_a_step_as_sharing_gradients_needs(
    mini_context: StepContext,
) -> None:
    distributed.init_process_group("gloo", store=distributed.HashStore(), rank=0, world_size=1)
    try:
        for stage, train in ((stage1, train_durations), (stage2, train_synthesizer)):
            worker = SharingWorker(mini_context.workspace.root / train.__name__)
            train(stage(mini_context), worker)
            assert worker.reports[-1].step == 6
    finally:
        distributed.destroy_process_group()


def test_a_training_starts_from_the_base_that_comes_with_the_project(
    mini_context: StepContext,
) -> None:
    options = TrainGptOptions(epochs=1, max_steps=1, batch_size=2)
    settings = plan_durations(mini_context, options, MINI).settings
    assert isinstance(settings, DurationSettings)
    train_durations(settings, LocalWorker(mini_context.workspace.root / "run"))
    weights = load_durations(settings.weights_folder / "voice-e1.safetensors").durations
    shipped = shipped_base().durations
    assert weights.config == shipped.config
    assert torch.allclose(weights.head.weight, shipped.head.weight, atol=0.01)


def test_max_steps_are_shared_out_among_the_parts(mini_context: StepContext) -> None:
    plan = plan_synthesizer(mini_context, TrainSovitsOptions(max_steps=100), MINI).settings
    assert isinstance(plan, SynthesizerSettings)
    assert [recipe.schedule.steps for recipe in plan.recipes] == [50, 50]
    assert (plan.total_steps, plan.epoch_steps) == (100, 25)


def test_options_without_a_meaning_are_told(mini_context: StepContext) -> None:
    plan = plan_synthesizer(mini_context, TrainSovitsOptions(text_low_lr_rate=0.5), MINI)
    assert ["text_low_lr_rate" in warning for warning in plan.warnings] == [True]
    as_it_comes = TrainSovitsOptions.model_validate(TrainSovitsOptions().model_dump())
    assert plan_synthesizer(mini_context, as_it_comes, MINI).warnings == []
    [warning] = plan_durations(mini_context, TrainGptOptions(if_dpo=True), MINI).warnings
    assert "if_dpo" in warning


def test_clips_that_cannot_be_used_are_named(mini_context: StepContext) -> None:
    experiment = mini_context.experiment
    experiment.content_of("clip0.wav").unlink()
    with experiment.semantic_table.open("a") as file:
        file.write("short.wav\t1 1 1\n")
    for folder_file in (experiment.content_of("short.wav"), experiment.wave_of("short.wav")):
        folder_file.write_bytes(b"")
    plan = plan_durations(mini_context, TrainGptOptions(), MINI)
    reasons = {clip.name: clip.reason for clip in plan.dropped}
    assert "4-cnhubert" in reasons["clip0.wav"]
    assert "0.06 s long" in reasons["short.wav"]
    assert plan.settings.clip_names == {"clip1.wav", "clip2.wav", "clip3.wav"}

    for path in experiment.content.iterdir():
        path.unlink()
    with pytest.raises(NothingUsable, match="at least 1"):
        plan_durations(mini_context, TrainGptOptions(), MINI)


def test_a_damaged_feature_file_names_its_clip(mini_context: StepContext) -> None:
    mini_context.experiment.content_of("clip2.wav").write_bytes(b"no tensor")
    with pytest.raises(StepFailed) as caught:
        train_durations(stage1(mini_context), LocalWorker(mini_context.workspace.root / "run"))
    assert caught.value.clip == "clip2.wav"
