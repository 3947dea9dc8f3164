import copy
from pathlib import Path

import pytest
import torch

from ray_pipeline.training.gpt import scaled_adam
from ray_pipeline.training.gpt.scaled_adam import ScaledAdam
from tests.conformance.golden_io import Case
from tests.conformance.training_cases import CASES

GOLDEN = Path(__file__).parents[2] / "conformance" / "golden"


def test_fifty_steps_are_those_of_the_original() -> None:
    case = Case(str(GOLDEN / "optim.npz"))
    case.check("scaled_adam", CASES["optim"](case)["scaled_adam"])


def parameters(seed: int = 0) -> list[torch.nn.Parameter]:
    generator = torch.Generator().manual_seed(seed)
    shapes = [(4, 3), (4, 3), (5,), (1,)]
    return [torch.nn.Parameter(torch.randn(shape, generator=generator)) for shape in shapes]


def step(optimizer: ScaledAdam, weights: list[torch.nn.Parameter], number: int) -> None:
    generator = torch.Generator().manual_seed(100 + number)
    for weight in weights:
        weight.grad = torch.randn(weight.shape, generator=generator)
    optimizer.step()


def test_a_restored_state_continues_as_if_nothing_had_happened() -> None:
    options = {"lr": 0.02, "clipping_scale": 2.0, "clipping_update_period": 4}
    weights = parameters()
    optimizer = ScaledAdam(weights, **options)
    for number in range(6):
        step(optimizer, weights, number)
    others = [torch.nn.Parameter(weight.detach().clone()) for weight in weights]
    restored = ScaledAdam(others, **options)
    restored.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for number in range(6, 15):
        step(optimizer, weights, number)
        step(restored, others, number)
    for weight, other in zip(weights, others, strict=True):
        torch.testing.assert_close(weight, other, atol=0, rtol=0)


def test_a_parameter_without_gradient_counts_as_one_with_zeros() -> None:
    missing, zero = parameters(), parameters()
    first, second = ScaledAdam(missing), ScaledAdam(zero)
    for number in range(5):
        step_generator = torch.Generator().manual_seed(number)
        gradient = torch.randn(4, 3, generator=step_generator)
        missing[0].grad, zero[0].grad = gradient, gradient.clone()
        for weight in zero[1:]:
            weight.grad = torch.zeros_like(weight)
        first.step()
        second.step()
    for a, b in zip(missing, zero, strict=True):
        torch.testing.assert_close(a, b, atol=0, rtol=0)


def test_stacked_tensors_move_as_they_do_one_after_another(monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"lr": 0.02, "clipping_scale": 0.5, "clipping_update_period": 4}
    alone, stacked = parameters(), parameters()
    first, second = ScaledAdam(alone, **options), ScaledAdam(stacked, **options)
    for number in range(12):
        step(first, alone, number)
        with monkeypatch.context() as patch:
            patch.setattr(scaled_adam, "_tensors_at_once", lambda device, count: count)
            step(second, stacked, number)
    for a, b in zip(alone, stacked, strict=True):
        torch.testing.assert_close(a, b, atol=1e-6, rtol=1e-5)
    kept = [optimizer.state_dict()["state"][0]["delta"] for optimizer in (first, second)]
    assert kept[0].shape == kept[1].shape == (2, 4, 3)
