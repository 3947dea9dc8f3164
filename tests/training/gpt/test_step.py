from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ray_pipeline.core.workspace import Experiment
from ray_pipeline.training.arithmetic import Arithmetic
from ray_pipeline.training.gpt.data import GptBatch, GptDataset, collate_gpt
from ray_pipeline.training.gpt.recipe import GPT_RECIPE, NANO_GPT_RECIPE, GptRecipe
from ray_pipeline.training.gpt.setup import build_gpt
from ray_pipeline.training.gpt.step import GptStepper, gpt_optimizer
from ray_pipeline.training.precision import Precision
from tests.training.experiment import gpt_settings, moments


def _start(
    experiment: Experiment,
    tmp_path: Path,
    recipe: GptRecipe,
    arithmetic: Arithmetic | None = None,
) -> tuple[GptStepper, GptBatch]:
    settings = gpt_settings(experiment, tmp_path)
    model = build_gpt(settings)
    dataset = GptDataset(experiment, settings.items)
    batch = collate_gpt([dataset[0], dataset[1]], eos=settings.model.eos)
    stepper = GptStepper(model, gpt_optimizer(model, recipe), recipe, arithmetic=arithmetic)
    return stepper, batch


def test_steps_learn_the_tokens_by_heart(experiment: Experiment, tmp_path: Path) -> None:
    recipe = replace(NANO_GPT_RECIPE, learning_rate=5e-3, warmup_steps=1)
    stepper, batch = _start(experiment, tmp_path, recipe)
    torch.manual_seed(0)
    results = [stepper.step(batch, index) for index in range(40)]
    assert float(results[-1]["loss"]) < 0.6 * float(results[0]["loss"])
    assert float(results[-1]["top3"]) > float(results[0]["top3"]) + 0.2


@pytest.mark.parametrize("bits", ["bfloat16", "float16"])
def test_in_16_bits_it_learns_as_in_float32_and_keeps_weights_and_moments_in_float32(
    bits: Precision, experiment: Experiment, tmp_path: Path
) -> None:
    recipe = replace(NANO_GPT_RECIPE, learning_rate=5e-3, warmup_steps=1)
    losses: dict[Precision, list[float]] = {}
    precisions: tuple[Precision, ...] = ("float32", bits)
    for precision in precisions:
        torch.manual_seed(0)
        stepper, batch = _start(experiment, tmp_path, recipe, Arithmetic(precision))
        torch.manual_seed(0)
        losses[precision] = [float(stepper.step(batch, index)["loss"]) for index in range(10)]
        kept = [*stepper.model.parameters(), *moments(stepper.optimizer)]
        assert {x.dtype for x in kept} == {torch.float32}
    assert losses[bits] != losses["float32"]
    assert losses[bits] == pytest.approx(losses["float32"], rel=0.03)


def test_the_original_steps_after_batches_4_8_12_and_keeps_what_is_left(
    experiment: Experiment, tmp_path: Path
) -> None:
    stepper, batch = _start(experiment, tmp_path, GPT_RECIPE)
    steps = []
    for index in range(11):
        stepper.step(batch, index)
        steps.append(stepper.steps_done)
    assert steps == [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2]
    assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in stepper.model.parameters())
    assert stepper.optimizer.param_groups[0]["lr"] == 0.002


def test_with_if_dpo_clips_become_likelier_than_copies_that_repeat_or_leave_out(
    experiment: Experiment, tmp_path: Path
) -> None:
    recipe = replace(NANO_GPT_RECIPE, learning_rate=5e-3, warmup_steps=1, preference=True)
    stepper, batch = _start(experiment, tmp_path, recipe)
    torch.manual_seed(0)
    results = [stepper.step(batch, index) for index in range(40)]

    def mean(name: str, which: slice) -> float:
        return float(torch.stack([result[name] for result in results[which]]).mean())

    first, last = slice(0, 10), slice(30, 40)
    assert mean("preference_loss", last) < 0.5 * mean("preference_loss", first)
    assert mean("preferred", last) > 0.8
    assert mean("loss", last) < mean("loss", first)  # of the tokens alone, as without if_dpo


def test_without_if_dpo_nothing_is_drawn_for_copies(experiment: Experiment, tmp_path: Path) -> None:
    stepper, batch = _start(experiment, tmp_path, NANO_GPT_RECIPE)
    stepper.model.eval()  # no dropout
    before = torch.get_rng_state()
    assert stepper.step(batch, 0).keys() == {"loss", "top3"}
    assert torch.equal(torch.get_rng_state(), before)


def test_rates_are_0_01_once_and_0_002_ever_after() -> None:
    assert [GPT_RECIPE.rate_at(step) for step in (0, 1, 2000, 40000)] == [0.01] + [0.002] * 3


def test_nano_warms_up_linearly() -> None:
    rates = [NANO_GPT_RECIPE.rate_at(step) for step in (0, 9, 19, 100)]
    assert rates == [1e-3 / 20, 1e-3 / 2, 1e-3, 1e-3]
