from __future__ import annotations

import pytest
import torch
from torch import nn

from ray_pipeline.models.gpt.config import tiny_gpt_config
from ray_pipeline.models.gpt.decoding import Sentence, decode_batch
from ray_pipeline.models.gpt.half_weights import (
    HalfLinear,
    all_half,
    can_use_half_weights,
    use_half_weights,
)
from ray_pipeline.models.gpt.model import Text2Semantic
from ray_pipeline.models.gpt.sampling import Sampling

needs_product = pytest.mark.skipif(
    not can_use_half_weights(), reason="torch has no product with half weights on this processor"
)


@needs_product
def test_weights_of_an_export_lose_nothing() -> None:
    torch.manual_seed(0)
    plain = nn.Linear(64, 32).half().float().requires_grad_(False)
    x = torch.randn(2, 5, 64)
    torch.testing.assert_close(HalfLinear(plain.weight, plain.bias)(x), plain(x))


@needs_product
def test_the_same_tokens_come_out_as_in_float32() -> None:
    torch.manual_seed(0)
    model = Text2Semantic(tiny_gpt_config()).half().float().eval()
    phones, bert = torch.randint(0, 700, (7,)), torch.randn(1024, 7)
    said = [Sentence(phones, bert, torch.randint(0, 40, (5,)))]
    [before] = decode_batch(model, said, Sampling(top_k=1), max_tokens=30)
    [after] = decode_batch(use_half_weights(model), said, Sampling(top_k=1), max_tokens=30)
    assert after.tokens.tolist() == before.tokens.tolist()


def test_nothing_changes_where_torch_lacks_the_product(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ray_pipeline.models.gpt.half_weights.can_use_half_weights", lambda: False)
    model = Text2Semantic(tiny_gpt_config())
    assert isinstance(use_half_weights(model).h.layers[0].linear1, nn.Linear)


def test_a_file_with_one_full_weight_is_not_all_half() -> None:
    half = {"weight": torch.ones(2).half(), "count": torch.tensor(3)}
    assert all_half(half)
    assert not all_half({**half, "bias": torch.ones(2)})
