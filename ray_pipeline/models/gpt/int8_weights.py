"""Weights of one byte for decoding on a CPU.

A decode of one sentence reads every weight once a token and does little with it, so its speed
is that of the memory. Rows of the large matrices are kept as integers with one scale each; the
arithmetic stays in bfloat16 inside the product and in float32 between the products. Tokens are
no longer exactly those of float32: benchmarks.compare_with_original says how far they are off.

torch has no public function for this product: the one used here is what its own compiler calls.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ray_pipeline.core.errors import BackendMissing
from ray_pipeline.models.gpt.model import Text2Semantic
from ray_pipeline.models.gpt.replaced import replace_products

_LARGEST = 127


class Int8Linear(nn.Module):
    """[..., in] → [..., out], each in float32, with `weight` int8 [out, in] and `scales` [out]."""

    weight: Tensor
    scales: Tensor
    bias: Tensor

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        scales = weight.abs().amax(dim=1).clamp(min=1e-12) / _LARGEST
        self.register_buffer("weight", (weight / scales[:, None]).round().to(torch.int8))
        self.register_buffer("scales", scales.bfloat16())
        self.register_buffer("bias", bias)

    def forward(self, x: Tensor) -> Tensor:
        rows = x.flatten(0, -2).bfloat16().contiguous()
        product = torch._weight_int8pack_mm(rows, self.weight, self.scales)
        return product.float().unflatten(0, x.shape[:-1]) + self.bias


@torch.no_grad()
def use_int8_weights(model: Text2Semantic) -> Text2Semantic:
    """Change the layers of a float32 model on the CPU in place, for decoding only: it cannot be
    trained or saved afterwards. Embeddings and the last projection stay as they are.

    Raises BackendMissing where torch cannot do it, ValueError for another device or type.
    """
    weight = model.bert_proj.weight
    if weight.device.type != "cpu" or weight.dtype != torch.float32:
        raise ValueError(
            f"int8 weights are made of float32 on a CPU, not of {weight.dtype} on {weight.device}"
        )
    if not hasattr(torch, "_weight_int8pack_mm"):
        raise BackendMissing(
            f"torch {torch.__version__} cannot compute with int8 weights.",
            hint="Use float32 weights, or a release of torch that this project names.",
        )
    return replace_products(model, Int8Linear)
