"""Dropout that is fast on a CPU.

torch draws a CPU's mask one number at a time, through a division and in double precision: in
the training of stage 1 that was an eighth of all the time. Here 16 bits of every 64 that the same
generator gives decide about one value, so the chance is a multiple of 1/65536.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_LEVELS = 2**16
_PER_DRAW = 4
_LOWEST_DRAW = -(2**63)


class Dropout(nn.Module):
    """As nn.Dropout: values are set to zero with chance `p` and the others scaled up, but only
    in training."""

    def __init__(self, p: float) -> None:
        super().__init__()
        if not 0 <= p < 1:
            raise ValueError(f"a chance of dropout lies in [0, 1), not at {p}")
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        return drop(x, self.p) if self.training and self.p > 0 else x


def drop(x: Tensor, p: float) -> Tensor:
    """Each value of `x` is zero with chance `p` and else divided by 1 - p."""
    if x.device.type != "cpu":
        return F.dropout(x, p)
    dropped = round(p * _LEVELS)
    draws = torch.empty(-(-x.numel() // _PER_DRAW), dtype=torch.int64).random_(_LOWEST_DRAW, None)
    levels = draws.view(torch.int16)[: x.numel()].view(x.shape)
    keep = torch.empty(x.shape, dtype=x.dtype)
    torch.ge(levels, dropped - _LEVELS // 2, out=keep)
    return x * keep.mul_(_LEVELS / (_LEVELS - dropped))


def attend_with_dropout(
    queries: Tensor, keys: Tensor, values: Tensor, bias: Tensor, p: float
) -> Tensor:
    """Attention whose weights are dropped with chance `p`; [B, H, S, K] like its inputs.

    `bias` [B, 1, S, S] is added to the scores: 0, or -inf where a query may not look.
    """
    scores = (queries * queries.shape[-1] ** -0.5) @ keys.transpose(-1, -2)
    return drop(scores.add_(bias).softmax(-1), p) @ values
