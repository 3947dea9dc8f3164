"""Weight-normalised convolutions and the few small pieces that several modules share.

A weight is stored as direction `weight_v` and length `weight_g` (Salimans & Kingma 2016), the
spelling of the original's files. `fuse_weight_norm` multiplies them once for inference.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ray_pipeline.models.products import has_avx512, linear


class _WeightNorm(nn.Module):
    """Parameters `bias`, `weight_g`, `weight_v`; the norm runs over every axis but the first."""

    weight_g: Tensor
    weight_v: Tensor
    fused_weight: Tensor | None

    def __init__(self, weight_shape: tuple[int, ...], num_outputs: int, fan_in: int) -> None:
        super().__init__()
        bound = 1 / math.sqrt(fan_in)  # torch's own start for convolutions
        direction = torch.empty(weight_shape).uniform_(-bound, bound)
        self.bias = nn.Parameter(torch.empty(num_outputs).uniform_(-bound, bound))
        self.weight_g = nn.Parameter(_norm(direction))
        self.weight_v = nn.Parameter(direction)
        self.register_buffer("fused_weight", None, persistent=False)

    def weight(self) -> Tensor:
        if self.fused_weight is not None:
            return self.fused_weight
        return torch._weight_norm(self.weight_v, self.weight_g, 0)

    def start_normal(self, deviation: float) -> None:
        """Draw the weight anew from a normal distribution around zero."""
        with torch.no_grad():
            self.weight_v.normal_(0.0, deviation)
            self.weight_g.copy_(_norm(self.weight_v))

    def fuse(self) -> None:
        """Keep the product of length and direction. Training or loading weights undoes it."""
        with torch.no_grad():
            self.fused_weight = None
            self.fused_weight = self.weight().detach()

    def train(self, mode: bool = True) -> _WeightNorm:
        if mode:
            self.fused_weight = None
        return super().train(mode)

    def _load_from_state_dict(self, *args: Any, **kwargs: Any) -> None:
        self.fused_weight = None
        super()._load_from_state_dict(*args, **kwargs)


def _norm(direction: Tensor) -> Tensor:
    shape = (-1,) + (1,) * (direction.dim() - 1)
    return direction.detach().flatten(1).norm(dim=1).reshape(shape)


class NormedConv1d(_WeightNorm):
    """[B, in, T] → [B, out, T'] with `padding` zeros on both ends; [B, in, 1, T] likewise, whose
    order in memory is kept."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int,
        *,
        stride: int = 1,
        padding: int = 0,
        dilation: int = 1,
        groups: int = 1,
    ) -> None:
        fan_in = in_channels // groups * kernel
        super().__init__((out_channels, in_channels // groups, kernel), out_channels, fan_in)
        self.stride, self.padding = stride, padding
        self.dilation, self.groups = dilation, groups

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight()
        if x.dim() == 4:
            stride, padding, dilation = (1, self.stride), (0, self.padding), (1, self.dilation)
            weight = weight[:, :, None]
            return F.conv2d(x, weight, self.bias, stride, padding, dilation, self.groups)
        return F.conv1d(x, weight, self.bias, self.stride, self.padding, self.dilation, self.groups)


class NormedConv2d(_WeightNorm):
    """[B, in, H, W] → [B, out, H', W] with a kernel of (kernel, 1): columns never mix."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel: int, *, stride: int, padding: int
    ) -> None:
        fan_in = in_channels * kernel
        super().__init__((out_channels, in_channels, kernel, 1), out_channels, fan_in)
        self.stride, self.padding = stride, padding

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight()
        if not on_narrow_cpu(x):
            return F.conv2d(x, weight, self.bias, (self.stride, 1), (self.padding, 0))
        # Convolutions are made for wide images there, matrix products are not. The result keeps
        # its channels side by side, the order that the next layer wants.
        padded = F.pad(x.permute(0, 3, 2, 1), (0, 0, self.padding, self.padding))
        windows = padded.unfold(2, weight.shape[2], self.stride).flatten(-2)
        return linear(windows, weight.flatten(1), self.bias).permute(0, 3, 2, 1)


class NormedConvTranspose1d(_WeightNorm):
    """[B, in, T] → [B, out, (T - 1)·stride + kernel - 2·padding]; [B, in, 1, T] likewise, whose
    order in memory is kept."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel: int, *, stride: int, padding: int
    ) -> None:
        super().__init__((in_channels, out_channels, kernel), out_channels, out_channels * kernel)
        self.stride, self.padding = stride, padding

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight()
        if x.dim() == 4:
            stride, padding = (1, self.stride), (0, self.padding)
            return F.conv_transpose2d(x, weight[:, :, None], self.bias, stride, padding)
        return F.conv_transpose1d(x, weight, self.bias, self.stride, self.padding)


def on_narrow_cpu(x: Tensor) -> bool:
    """Whether `x` is on a CPU without AVX-512. With it, torch's plain convolutions are the
    fastest (benchmarks.compare_with_original on both kinds); without it, ways around them are."""
    return x.device.type == "cpu" and not has_avx512()


def fuse_weight_norm(module: nn.Module) -> None:
    """Make every weight-normalised layer of `module` an ordinary one until it trains again."""
    module.eval()
    for layer in module.modules():
        if isinstance(layer, _WeightNorm):
            layer.fuse()


class ChannelNorm(nn.Module):
    """Layer norm over the channels of [B, T, C]; its parameters carry the original's names."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(channels))
        self.beta = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        return F.layer_norm(x, (x.shape[-1],), self.gamma, self.beta, eps=1e-5)


def pointwise(x: Tensor, conv: nn.Conv1d) -> Tensor:
    """A convolution of width 1 applied to [..., in] → [..., out], as the linear map it is."""
    return linear(x, conv.weight.squeeze(-1), conv.bias)


def frame_mask(lengths: Tensor, num_frames: int) -> Tensor:
    """[B] → [B, num_frames] bool, true on the first `lengths[b]` frames of item b."""
    return torch.arange(num_frames, device=lengths.device) < lengths[:, None]
