from __future__ import annotations

import pytest
import torch
from torch import nn

from ray_pipeline.core.errors import BackendMissing
from ray_pipeline.models.gpt.config import tiny_gpt_config
from ray_pipeline.models.gpt.int8_weights import Int8Linear, use_int8_weights
from ray_pipeline.models.gpt.model import Text2Semantic


def test_a_row_is_off_by_less_than_its_rounding() -> None:
    torch.manual_seed(0)
    plain = nn.Linear(64, 32).requires_grad_(False)
    x = torch.randn(2, 5, 64)
    error = (Int8Linear(plain.weight, plain.bias)(x) - plain(x)).abs().max()
    assert error < 0.02 * plain(x).abs().max()


def test_a_model_with_int8_weights_decodes_as_many_tokens_as_asked() -> None:
    torch.manual_seed(0)
    model = use_int8_weights(Text2Semantic(tiny_gpt_config()))
    phones, bert = torch.randint(0, 700, (1, 7)), torch.randn(1, 1024, 7)
    prompt = torch.randint(0, 40, (1, 5))
    # The end mark cannot come within the first eleven.
    tokens = model.decode(phones, bert, prompt, top_k=1, max_tokens=9)
    assert tokens.shape == (1, 10)


def test_scores_stay_close_to_those_of_float32() -> None:
    torch.manual_seed(0)
    model = Text2Semantic(tiny_gpt_config()).eval()
    phones, bert = torch.randint(0, 700, (1, 7)), torch.randn(1, 1024, 7)
    tokens = torch.randint(0, 40, (1, 20))
    given = (phones, torch.tensor([7]), tokens, torch.tensor([20]), bert)
    with torch.no_grad():
        before = model(*given).logits
        after = use_int8_weights(model)(*given).logits
    assert (after - before).norm() < 0.05 * before.norm()


def test_only_float32_on_a_cpu_can_be_changed() -> None:
    with pytest.raises(ValueError, match="bfloat16"):
        use_int8_weights(Text2Semantic(tiny_gpt_config()).bfloat16())
    with torch.device("meta"), pytest.raises(ValueError, match="meta"):
        use_int8_weights(Text2Semantic(tiny_gpt_config()))


def test_a_torch_without_the_product_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch, "_weight_int8pack_mm")
    with pytest.raises(BackendMissing, match="int8"):
        use_int8_weights(Text2Semantic(tiny_gpt_config()))
