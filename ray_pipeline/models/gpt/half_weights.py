"""Weights of two bytes for decoding on a CPU, with the arithmetic in float32.

Decoding reads every weight once a token and does little with it, so its speed is that of the
memory. Exported voices hold their weights in half precision: kept so, nothing is lost, and half
as much is read. The product is FBGEMM's (Khudia et al. 2021), which torch has on x86.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ray_pipeline.models.gpt.model import Text2Semantic
from ray_pipeline.models.gpt.replaced import replace_products

_ENGINES = ("fbgemm", "x86")


class HalfLinear(nn.Module):
    """[..., in] → [..., out], each in float32, with weights in float16."""

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self._packed = torch.ops.quantized.linear_prepack_fp16(weight.detach(), bias.detach())

    def forward(self, x: Tensor) -> Tensor:
        product: Tensor = torch.ops.quantized.linear_dynamic_fp16(x, self._packed)
        return product


def all_half(state_dict: Mapping[str, Tensor]) -> bool:
    """Whether half weights are all that a file has, as in every export."""
    return all(x.dtype == torch.float16 for x in state_dict.values() if x.is_floating_point())


def can_use_half_weights() -> bool:
    """Whether torch has the product on this machine's processor."""
    return torch.backends.quantized.engine in _ENGINES


def use_half_weights(model: Text2Semantic) -> Text2Semantic:
    """Change the layers of a float32 model on the CPU in place, for decoding only: it cannot be
    trained or saved afterwards. Where torch lacks the product, nothing is changed."""
    return replace_products(model, HalfLinear) if can_use_half_weights() else model
