"""Other products in the place of a model's own matrix products, for decoding only."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from torch import Tensor, nn

from ray_pipeline.models.gpt.model import SelfAttention, Text2Semantic
from ray_pipeline.models.products import Linear

# From weight [out, in] and bias [out] to a module that maps [..., in] to [..., out].
MakeProduct = Callable[[Tensor, Tensor], nn.Module]


class ReplacedAttention(SelfAttention):
    """The attention of `source` with both of its projections replaced."""

    def __init__(self, source: SelfAttention, make: MakeProduct) -> None:
        nn.Module.__init__(self)
        self.num_heads, self.dropout = source.num_heads, 0.0
        self.in_proj = make(source.in_proj_weight, source.in_proj_bias)
        self.out_proj = _replaced(source.out_proj, make)

    def project(self, x: Tensor) -> Tensor:
        return self.split(self.in_proj(x))


def replace_products(model: Text2Semantic, make: MakeProduct) -> Text2Semantic:
    """Change the layers in place: the model cannot be trained or saved afterwards. Embeddings
    and the last projection stay as they are."""
    for layer in model.h.each():
        layer.self_attn = ReplacedAttention(layer.self_attn, make)
        layer.linear1 = _replaced(layer.linear1, make)
        layer.linear2 = _replaced(layer.linear2, make)
    return model.eval()


def _replaced(linear: nn.Linear, make: MakeProduct) -> Linear:
    # Text2Semantic only ever calls these, so that another module may take their place.
    return cast("Linear", make(linear.weight, linear.bias))
