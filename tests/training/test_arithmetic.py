"""A training may go on elsewhere than it began, in other numbers."""

import pytest
import torch

from ray_pipeline.training.arithmetic import Arithmetic, arithmetic_of, load_scaler
from ray_pipeline.training.gpt.recipe import GPT_RECIPE, NANO_GPT_RECIPE
from ray_pipeline.training.precision import Precision
from ray_pipeline.training.sovits.recipe import SOVITS_RECIPE

CARDS = {"old": (6, 1), "turing": (7, 5), "ampere": (8, 0)}


@pytest.fixture
def card(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> torch.device:
    """What CUDA would say of a card; none is here."""
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: request.param)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: CARDS[request.param])
    return torch.device("cuda")


@pytest.mark.parametrize(
    ("card", "gpt", "sovits"),
    [
        ("old", "float32", "float32"),
        ("turing", "float16", "float16"),
        ("ampere", "bfloat16", "float16"),
    ],
    indirect=["card"],
)
def test_the_gpt_is_trained_in_bfloat16_where_there_is_one_and_sovits_is_not(
    card: torch.device, gpt: Precision, sovits: Precision
) -> None:
    assert arithmetic_of(card, GPT_RECIPE) == Arithmetic(gpt, "cuda")
    assert arithmetic_of(card, SOVITS_RECIPE) == Arithmetic(sovits, "cuda")
    assert arithmetic_of(card, NANO_GPT_RECIPE) == Arithmetic("float32", "cuda")


def test_on_a_cpu_all_is_float32() -> None:
    cpu = torch.device("cpu")
    assert arithmetic_of(cpu, GPT_RECIPE) == arithmetic_of(cpu, SOVITS_RECIPE) == Arithmetic()


@pytest.mark.parametrize("before", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize("after", ["float32", "bfloat16", "float16"])
def test_a_scaler_takes_over_what_there_is(before: Precision, after: Precision) -> None:
    first, second = Arithmetic(before).scaler(), Arithmetic(after).scaler()
    if before == "float16":
        first.load_state_dict(first.state_dict() | {"scale": 64.0})
    load_scaler(second, first.state_dict())
    scale = 1.0 if after != "float16" else 64.0 if before == after else 65536.0
    assert second.get_scale() == scale
