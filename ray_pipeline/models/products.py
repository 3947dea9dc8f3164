"""Matrix products that a training spends its time on, by the faster of the two libraries that torch
has for them on a CPU.

torch gives `F.linear` to MKL, which on AMD's processors uses half of their AVX-512: 100 GFLOP/s
where oneDNN's product reaches 200 (docs/measurements/2026-11-29-training-speed.md). torch calls the
latter by itself only in compiled and in lower-precision code.
"""

from __future__ import annotations

import functools
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


class Linear(nn.Linear):
    """torch's layer, whose gradients take less time on some CPUs."""

    def forward(self, x: Tensor) -> Tensor:
        return linear(x, self.weight, self.bias)


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x [..., in], weight [out, in], bias [out] → [..., out], as `F.linear`. Without gradients,
    so for speaking, it is that."""
    if uses_onednn(x, weight):
        rows: Tensor = _Linear.apply(x.flatten(0, -2), weight, bias)
        return rows.view(*x.shape[:-1], -1)
    return F.linear(x, weight, bias)


@functools.cache
def has_avx512() -> bool:
    return torch.backends.cpu.get_cpu_capability() == "AVX512"


def uses_onednn(x: Tensor, weight: Tensor) -> bool:
    """Whether `linear` does not leave the product to torch."""
    learns = torch.is_grad_enabled() and (x.requires_grad or weight.requires_grad)
    is_plain = x.device.type == "cpu" and x.dtype is weight.dtype is torch.float32
    return learns and is_plain and _onednn_is_faster()


@functools.cache
def _onednn_is_faster() -> bool:
    """Without AVX-512 MKL is as fast."""
    return (
        has_avx512()
        and torch.backends.mkldnn.is_available()
        and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    )


class _Linear(torch.autograd.Function):
    """x [N, in] → [N, out]."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        return _onednn(x, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        wants_x, wants_weight, wants_bias = ctx.needs_input_grad
        return (
            _onednn(gradient, weight.t()) if wants_x else None,
            _onednn(gradient.t(), x.t()) if wants_weight else None,
            gradient.sum(0) if wants_bias else None,
        )


def _onednn(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    product: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
    return product
