"""Steps that go wrong: what is decided, and that a training goes on and ends well."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from ray_pipeline.core.errors import NothingUsable, StepFailed
from ray_pipeline.core.options import TrainSovitsOptions
from ray_pipeline.core.pretrained_bases import base_model
from ray_pipeline.core.progress import RecordingProgress
from ray_pipeline.core.step_context import StepContext
from ray_pipeline.core.stop_points import VARIABLE
from ray_pipeline.core.workspace import Experiment
from ray_pipeline.training.batch import WithoutClips
from ray_pipeline.training.gpt.data import GptDataset, collate_gpt
from ray_pipeline.training.gpt.recipe import GPT_RECIPE, NANO_GPT_RECIPE, GptRecipe
from ray_pipeline.training.gpt.setup import build_gpt
from ray_pipeline.training.gpt.step import GptStepper, gpt_optimizer
from ray_pipeline.training.gpt.trainer import train_gpt
from ray_pipeline.training.healing import HEALING, Care, Incident, Watch
from ray_pipeline.training.reports import TrainingHistory
from ray_pipeline.training.share_sampler import ShareBatchSampler
from ray_pipeline.training.sovits.data import SovitsDataset, collate_sovits
from ray_pipeline.training.sovits.parts import Draws, step_in_parts
from ray_pipeline.training.sovits.plan import plan_sovits
from ray_pipeline.training.sovits.recipe import NANO_SOVITS_RECIPE
from ray_pipeline.training.sovits.setup import build_networks
from ray_pipeline.training.sovits.step import SovitsStepper, sovits_optimizers
from ray_pipeline.training.sovits.trainer import train_sovits
from ray_pipeline.training.training_step import record
from ray_pipeline.training.worker import EpochReport, LocalWorker
from ray_pipeline.weights.archive import load_archive
from tests.training.experiment import gpt_settings, sovits_settings, trained

pytestmark = pytest.mark.slow


def _nan(*clips: str, step: int = 7) -> Incident:
    return Incident("not_a_number", 2, step, clips, len(clips))


def _memory(*clips: str) -> Incident:
    return Incident("memory", 1, 3, clips, len(clips))


def test_losses_that_are_no_numbers_halve_the_rate() -> None:
    care, sentence = Care().after(_nan("a.wav", "b.wav"))
    assert (care.rate_factor, care.set_aside) == (0.5, ())
    assert "step 7 (epoch 2)" in sentence
    care, sentence = care.after(replace(_nan("c.wav"), kind="explosion"))
    assert care.rate_factor == 0.25
    assert "exploded" in sentence


def test_clips_whose_batch_broke_the_training_twice_are_set_aside() -> None:
    care, _ = Care().after(_nan("a.wav", "b.wav"))
    care, sentence = care.after(_nan("b.wav", "c.wav"))
    assert (care.rate_factor, care.set_aside) == (0.5, ("b.wav",))
    assert "twice with b.wav" in sentence


def test_short_memory_halves_the_clips_at_a_time_down_to_one_and_then_names_the_clip() -> None:
    care = Care()
    for together, expected in ((("a", "b", "c", "d", "e"), 2), (("a", "b"), 1)):
        care, _ = care.after(_memory(*together))
        assert care.at_a_time == expected
    care, sentence = care.after(_memory("a"))
    assert care.set_aside == ()
    assert "once more" in sentence
    care, _ = care.after(_memory("a"))
    assert (care.set_aside, care.rate_factor) == (("a",), 1.0)


def test_a_training_that_cannot_be_healed_ends_with_what_to_do() -> None:
    care = Care()
    for number in range(HEALING.most_incidents):
        care, _ = care.after(_nan(f"clip{number}.wav"))
    with pytest.raises(StepFailed, match="7th time") as caught:
        care.after(_nan("another.wav"))
    assert "exclude" in caught.value.hint


def test_decisions_are_known_to_the_next_attempt(tmp_path: Path) -> None:
    assert Care.load(tmp_path) == Care()
    care, _ = Care(at_a_time=2, set_aside=("a.wav",)).after(_nan("ä.wav"))
    care.save(tmp_path)
    assert Care.load(tmp_path) == care


def test_a_loss_explodes_only_against_enough_of_its_last_values() -> None:
    def look(watch: Watch, loss: float) -> str | None:
        return watch.look({"mel": torch.tensor(loss), "other": torch.tensor(loss * 1000)})

    watch = Watch(["mel"])
    assert [look(watch, 1.0) for _ in range(HEALING.fewest - 1)] == [None] * (HEALING.fewest - 1)
    assert look(watch, 50.0) is None  # too early to know
    assert look(watch, 9.0) is None
    assert look(watch, 11.0) == "explosion"
    assert watch.look({"mel": torch.tensor(1.0), "kl": torch.tensor(torch.inf)}) == "not_a_number"


def test_another_clip_stands_in_for_one_that_was_set_aside() -> None:
    names = ["a", "b", "c", "a"]
    batches = ShareBatchSampler([1.0] * 4, 2, seed=1)
    whole = [list(batch) for batch in batches]
    kept = list(WithoutClips(batches, names, {"b"}))
    assert [len(batch) for batch in kept] == [len(batch) for batch in whole]
    assert {index for batch in kept for index in batch} == {0, 2, 3}
    with pytest.raises(NothingUsable):
        WithoutClips(batches, names, {"a", "b", "c"})


def _assert_alike(one: nn.Module, other: nn.Module, *, within: float) -> None:
    others = dict(other.named_parameters())
    for name, parameter in one.named_parameters():
        assert torch.allclose(parameter, others[name], atol=within), name


@pytest.mark.parametrize(
    "recipe",
    [
        GPT_RECIPE,
        NANO_GPT_RECIPE,
        replace(GPT_RECIPE, preference=True),
        replace(NANO_GPT_RECIPE, preference=True),
    ],
)
def test_gpt_gradients_of_parts_are_those_of_the_whole_batch(
    experiment: Experiment, tmp_path: Path, recipe: GptRecipe
) -> None:
    settings = gpt_settings(experiment, tmp_path)
    still = replace(settings.model, layer_dropout=0.0, embedding_dropout=0.0)
    settings = replace(settings, model=still)
    dataset = GptDataset(experiment, settings.items)
    batch = collate_gpt([dataset[n] for n in (0, 2, 4)], eos=settings.model.eos)
    models, results = [], []
    for care in (Care(), Care(at_a_time=2), Care(at_a_time=1)):
        model = build_gpt(settings)
        stepper = GptStepper(model, gpt_optimizer(model, recipe), recipe, care=care)
        torch.manual_seed(3)  # of the copies that are preferred to
        results.append(stepper.step(batch, 1 if recipe.accumulate > 1 else 0))
        models.append(model)
    for model, result in zip(models[1:], results[1:], strict=True):
        for name, value in results[0].items():
            assert float(result[name]) == pytest.approx(float(value), rel=1e-4), name
        if recipe.accumulate == 1:
            _assert_alike(models[0], model, within=1e-5)
            continue
        for one, other in zip(models[0].parameters(), model.parameters(), strict=True):
            if one.grad is not None and other.grad is not None:
                assert torch.allclose(one.grad, other.grad, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("phase", NANO_SOVITS_RECIPE.phases)
def test_sovits_steps_in_parts_are_those_of_the_whole_batch(
    experiment: Experiment, tmp_path: Path, phase
) -> None:
    phase = replace(phase, segment_frames=32)
    settings = sovits_settings(experiment, tmp_path)
    dataset = SovitsDataset(experiment, settings.items, with_speaker=True)
    batch = collate_sovits([dataset[n] for n in (0, 2, 4)])
    starts = torch.tensor([3, 2, 1])
    torch.manual_seed(1)
    noise = torch.randn(3, settings.model.inter_channels, batch.spec.shape[-1])

    def stepper() -> SovitsStepper:
        generator, discriminator = build_networks(settings)
        optimizers = sovits_optimizers(generator, discriminator, settings.recipe)
        made = SovitsStepper(generator, discriminator, optimizers, settings.recipe)
        made.set_rate(1e-3)
        generator.eval()  # without dropout, which is drawn anew for each part
        return made

    whole, split = stepper(), stepper()
    result = whole.step(batch, phase, starts=starts, posterior_noise=noise)
    parts = batch.parts(2)
    assert [len(part.names) for part in parts] == [2, 1]
    draws = [Draws(starts[:2], noise[:2]), Draws(starts[2:], noise[2:])]
    losses = step_in_parts(split, parts, phase, draws)
    assert losses.keys() == result.losses.keys()
    for name, loss in result.losses.items():
        assert float(losses[name]) == pytest.approx(float(loss), rel=1e-3, abs=1e-5), name
    # Adam's first step is the sign of a gradient, so gradients are compared and not weights.
    networks = ((whole.generator, split.generator), (whole.discriminator, split.discriminator))
    for one, other in networks:
        for (name, a), (_, b) in zip(one.named_parameters(), other.named_parameters(), strict=True):
            if a.grad is not None:
                assert b.grad is not None
                scale = max(float(a.grad.abs().max()), 1e-3)
                assert torch.allclose(a.grad, b.grad, atol=5e-3 * scale), name


@pytest.fixture
def order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Faults that the next training meets, one after the other."""

    def write(*faults: str) -> None:
        (tmp_path / "faults").write_text("\n".join(faults))
        monkeypatch.setenv(VARIABLE, str(tmp_path / "faults"))

    return write


def _all_carried_out() -> bool:
    return not Path(os.environ[VARIABLE]).exists()


@pytest.mark.parametrize(
    ("make", "train"), [(gpt_settings, train_gpt), (sovits_settings, train_sovits)]
)
def test_a_training_goes_back_after_losses_that_are_no_numbers(
    experiment: Experiment, tmp_path: Path, order: Callable[..., None], make, train
) -> None:
    progress = RecordingProgress()
    settings = make(experiment, tmp_path, progress=progress)
    worker = LocalWorker(tmp_path / "run")
    order("nan *clip3.wav*")
    train(settings, worker)

    assert _all_carried_out()
    assert [report.step for report in worker.reports] == [3, 6]
    [(_, warning)] = progress.warnings
    assert "0.5 of its learning rate" in warning
    for path in settings.weights_folder.glob("voice*"):
        weights = load_archive(path)["weight"]
        assert all(bool(tensor.isfinite().all()) for tensor in weights.values())
    [incident] = Care.load(worker.run_folder).incidents
    assert "clip3.wav" in incident.clips


def test_a_training_goes_back_to_its_last_epoch_and_not_to_its_start(
    experiment: Experiment, tmp_path: Path, order: Callable[..., None]
) -> None:
    settings = gpt_settings(experiment, tmp_path)

    class OrderingWorker(LocalWorker):
        def report(self, report: EpochReport, checkpoint: Future[Path] | None) -> None:
            super().report(report, checkpoint)
            if report.epoch == 1:
                order("nan *")

    worker = OrderingWorker(tmp_path / "run")
    train_gpt(settings, worker)
    assert [report.epoch for report in worker.reports] == [1, 2]
    [incident] = Care.load(worker.run_folder).incidents
    assert (incident.epoch, incident.step) == (2, 4)


def test_clips_that_break_a_training_twice_are_trained_on_no_more(
    experiment: Experiment, tmp_path: Path, order: Callable[..., None]
) -> None:
    progress = RecordingProgress()
    settings = gpt_settings(experiment, tmp_path, progress=progress)
    worker = LocalWorker(tmp_path / "run")
    order("nan *clip3.wav*", "nan *clip3.wav*")
    train_gpt(settings, worker)

    care = Care.load(worker.run_folder)
    assert "clip3.wav" in care.set_aside
    assert [report.step for report in worker.reports] == [3, 6]
    heard = {name for report in worker.reports for name in report.clips}
    assert heard == {item.name for item in settings.items} - set(care.set_aside)
    assert any("set aside" in warning for _, warning in progress.warnings)


@pytest.mark.parametrize(
    ("make", "train"), [(gpt_settings, train_gpt), (sovits_settings, train_sovits)]
)
def test_a_training_that_is_short_of_memory_goes_on_with_half_the_clips_at_a_time(
    experiment: Experiment, tmp_path: Path, order: Callable[..., None], make, train
) -> None:
    progress = RecordingProgress()
    worker = LocalWorker(tmp_path / "run")
    order("memory *wav *wav")
    train(make(experiment, tmp_path, progress=progress), worker)

    assert _all_carried_out()
    assert Care.load(worker.run_folder).at_a_time == 1
    assert [report.step for report in worker.reports] == [3, 6]
    [(_, warning)] = progress.warnings
    assert "2 clips at a time" in warning
    assert "1 at a time" in warning


def test_weights_that_the_last_step_of_an_epoch_spoilt_reach_no_checkpoint(
    experiment: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No loss shows it."""
    spoilt: list[int] = []
    step = GptStepper.step

    def last_step_spoils(self: GptStepper, batch, index: int):
        losses = step(self, batch, index)
        if index == 2 and not spoilt:
            spoilt.append(index)
            next(self.model.parameters()).data.fill_(torch.nan)
        return losses

    monkeypatch.setattr(GptStepper, "step", last_step_spoils)
    worker = LocalWorker(tmp_path / "run")
    train_gpt(gpt_settings(experiment, tmp_path), worker)
    assert [report.epoch for report in worker.reports] == [1, 2]
    assert [incident.step for incident in Care.load(worker.run_folder).incidents] == [3]


def test_the_result_names_what_was_healed_and_the_clips_that_were_set_aside(
    context: StepContext,
) -> None:
    plan = plan_sovits(context, TrainSovitsOptions(), base_model("nano"))
    plan = trained(context, plan, "run-1")
    history = TrainingHistory([EpochReport(1, 10, {}, ["clip0.wav"], 2.0)], [["clip0.wav"]])
    care, _ = Care(at_a_time=1, set_aside=("clip0.wav",)).after(_nan("clip1.wav"))
    made = record(context, TrainSovitsOptions(), plan, "key", history, care)
    assert "broke the training" in made.summary["set_aside"]["clip0.wav"]
    assert made.summary["clips"] == 2
    [remark] = [warning for warning in made.warnings if "1 step went wrong" in warning]
    assert "0.5 of the learning rate, at most 1 clips at a time" in remark
