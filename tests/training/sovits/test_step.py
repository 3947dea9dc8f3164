from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ray_pipeline.core.workspace import Experiment
from ray_pipeline.training.arithmetic import Arithmetic
from ray_pipeline.training.precision import Precision
from ray_pipeline.training.sovits.data import SovitsBatch, SovitsDataset, collate_sovits
from ray_pipeline.training.sovits.recipe import NANO_SOVITS_RECIPE, SOVITS_RECIPE
from ray_pipeline.training.sovits.setup import build_networks
from ray_pipeline.training.sovits.step import SovitsStepper, sovits_optimizers
from tests.training.experiment import moments, sovits_settings

PLAIN, ADVERSARIAL = (replace(p, segment_frames=32) for p in NANO_SOVITS_RECIPE.phases)


def _start(
    experiment: Experiment, tmp_path: Path, arithmetic: Arithmetic | None = None
) -> tuple[SovitsStepper, SovitsBatch]:
    settings = sovits_settings(experiment, tmp_path)
    generator, discriminator = build_networks(settings)
    optimizers = sovits_optimizers(generator, discriminator, settings.recipe)
    stepper = SovitsStepper(
        generator, discriminator, optimizers, settings.recipe, arithmetic=arithmetic
    )
    dataset = SovitsDataset(experiment, settings.items, with_speaker=True)
    return stepper, collate_sovits([dataset[0], dataset[1]])


def test_steps_without_adversary_lower_the_mel_loss(experiment: Experiment, tmp_path: Path) -> None:
    stepper, batch = _start(experiment, tmp_path)
    stepper.set_rate(2e-3)
    torch.manual_seed(0)
    losses = [float(stepper.step(batch, PLAIN).losses["mel"]) for _ in range(25)]
    assert sum(losses[-5:]) < 0.8 * sum(losses[:5])


def test_in_float16_losses_are_those_of_float32_and_weights_and_moments_stay_in_float32(
    experiment: Experiment, tmp_path: Path
) -> None:
    losses: dict[Precision, dict[str, float]] = {}
    precisions: tuple[Precision, ...] = ("float32", "float16")
    for precision in precisions:
        torch.manual_seed(0)
        stepper, batch = _start(experiment, tmp_path, Arithmetic(precision))
        stepper.set_rate(1e-4)
        # As one that has found its scale: before, it leaves steps out.
        stepper.scaler.load_state_dict(stepper.scaler.state_dict() | {"scale": 64.0})
        before = [p.detach().clone() for p in stepper.generator.parameters()]
        torch.manual_seed(0)
        results = [stepper.step(batch, ADVERSARIAL).losses for _ in range(2)]
        # The first step's, before anything was learned.
        losses[precision] = {name: float(loss) for name, loss in results[0].items()}
        after = list(stepper.generator.parameters())
        assert not all(torch.equal(x, y) for x, y in zip(before, after, strict=True))
        kept = [*moments(stepper.generator_optimizer), *moments(stepper.discriminator_optimizer)]
        assert {x.dtype for x in [*after, *kept]} == {torch.float32}
    assert losses["float16"] != losses["float32"]
    assert losses["float16"] == pytest.approx(losses["float32"], rel=0.02)


def test_the_discriminator_rests_without_adversary(experiment: Experiment, tmp_path: Path) -> None:
    stepper, batch = _start(experiment, tmp_path)
    before = [p.clone() for p in stepper.discriminator.parameters()]
    result = stepper.step(batch, PLAIN)
    assert "discriminator" not in result.losses
    after = stepper.discriminator.parameters()
    assert all(torch.equal(x, y) for x, y in zip(before, after, strict=True))


def test_an_adversarial_step_moves_both_networks_but_never_the_codebook(
    experiment: Experiment, tmp_path: Path
) -> None:
    stepper, batch = _start(experiment, tmp_path)
    frozen = {k: v.clone() for k, v in stepper.generator.state_dict().items() if _is_frozen(k)}
    before = next(stepper.discriminator.parameters()).clone()
    result = stepper.step(batch, ADVERSARIAL)
    assert set(result.losses) >= {"discriminator", "generator", "features", "mel", "kl", "total"}
    assert not torch.equal(before, next(stepper.discriminator.parameters()))
    assert all(p.requires_grad for p in stepper.discriminator.parameters())
    state = stepper.generator.state_dict()
    assert frozen
    assert all(torch.equal(value, state[key]) for key, value in frozen.items())


def _is_frozen(key: str) -> bool:
    return key.startswith(("ssl_proj", "quantizer"))


def test_text_groups_learn_at_their_own_rate(experiment: Experiment, tmp_path: Path) -> None:
    settings = sovits_settings(experiment, tmp_path)
    networks = build_networks(settings)
    optimizers = sovits_optimizers(*networks, SOVITS_RECIPE)
    stepper = SovitsStepper(*networks, optimizers, SOVITS_RECIPE, text_rate=0.4)
    stepper.set_rate(1e-4)
    rates = [group["lr"] for group in optimizers[0].param_groups]
    assert rates == [1e-4, 0.4 * 1e-4, 0.4 * 1e-4, 0.4 * 1e-4]
    assert [group["lr"] for group in optimizers[1].param_groups] == [1e-4]
    counted = sum(len(group["params"]) for group in optimizers[0].param_groups)
    assert counted == len(list(networks[0].parameters()))
