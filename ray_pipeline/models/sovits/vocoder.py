"""Latent frames → waveform: HiFi-GAN's generator (Kong et al. 2020).

B batch, C channels, T frames; a stage with rate u makes u times as many frames with half the
channels. With rates 10, 8, 2, 2, 2 a frame becomes 640 samples.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ray_pipeline.models.sovits.config import SovitsConfig
from ray_pipeline.models.sovits.layers import (
    NormedConv1d,
    NormedConvTranspose1d,
    on_narrow_cpu,
)

_SLOPE = 0.1
_LAST_SLOPE = 0.01
_START_DEVIATION = 0.01


def _same_length(channels: int, kernel: int, dilation: int) -> NormedConv1d:
    padding = dilation * (kernel - 1) // 2
    conv = NormedConv1d(channels, channels, kernel, padding=padding, dilation=dilation)
    conv.start_normal(_START_DEVIATION)
    return conv


class PairedBlock(nn.Module):
    """Type "1": each dilated convolution is followed by a plain one before the residual."""

    def __init__(self, channels: int, kernel: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        self.convs1 = nn.ModuleList(_same_length(channels, kernel, d) for d in dilations)
        self.convs2 = nn.ModuleList(_same_length(channels, kernel, 1) for _ in dilations)

    def forward(self, x: Tensor) -> Tensor:
        for dilated, plain in zip(self.convs1, self.convs2, strict=True):
            inner = F.leaky_relu_(dilated(F.leaky_relu(x, _SLOPE)), _SLOPE)
            x = plain(inner).add_(x)
        return x


class SingleBlock(nn.Module):
    """Type "2": one dilated convolution a residual; about a third of the work."""

    def __init__(self, channels: int, kernel: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        self.convs = nn.ModuleList(_same_length(channels, kernel, d) for d in dilations)

    def forward(self, x: Tensor) -> Tensor:
        for dilated in self.convs:
            x = dilated(F.leaky_relu(x, _SLOPE)).add_(x)
        return x


_BLOCKS: dict[str, type[PairedBlock] | type[SingleBlock]] = {"1": PairedBlock, "2": SingleBlock}


class Vocoder(nn.Module):
    def __init__(self, config: SovitsConfig) -> None:
        super().__init__()
        channels = config.upsample_initial_channel
        block = _BLOCKS[config.resblock]
        self.num_blocks = len(config.resblock_kernel_sizes)  # a stage
        self.conv_pre = nn.Conv1d(config.inter_channels, channels, 7, padding=3)
        self.ups = nn.ModuleList()
        self.resblocks = nn.ModuleList()
        for rate, kernel in zip(config.upsample_rates, config.upsample_kernel_sizes, strict=True):
            up = NormedConvTranspose1d(
                channels, channels // 2, kernel, stride=rate, padding=(kernel - rate) // 2
            )
            up.start_normal(_START_DEVIATION)
            self.ups.append(up)
            channels //= 2
            self.resblocks.extend(
                block(channels, size, dilations)
                for size, dilations in zip(
                    config.resblock_kernel_sizes, config.resblock_dilation_sizes, strict=True
                )
            )
        self.conv_post = nn.Conv1d(channels, 1, 7, padding=3, bias=False)
        self.cond = nn.Conv1d(config.gin_channels, config.upsample_initial_channel, 1)

    def forward(self, latent: Tensor, ge: Tensor) -> Tensor:
        """latent [B, inter, T], ge [B, G, 1] → [B, 1, T · samples a frame] in -1..1."""
        x = self.conv_pre(latent).add_(self.cond(ge))
        for stage, up in enumerate(self.ups):
            x = self._mix(stage, _side_by_side(up(F.leaky_relu(x, _SLOPE))))
        x = x[:, :, 0] if x.dim() == 4 else x
        return self.conv_post(F.leaky_relu(x, _LAST_SLOPE)).tanh_()

    def _mix(self, stage: int, x: Tensor) -> Tensor:
        """The mean of what the blocks of a stage make of x."""
        first, *others = self._blocks(stage)
        mixed = first(x)
        for block in others:
            mixed.add_(block(x))
        return mixed.div_(self.num_blocks)

    def _blocks(self, stage: int) -> nn.ModuleList:
        return self.resblocks[stage * self.num_blocks : (stage + 1) * self.num_blocks]


def _side_by_side(x: Tensor) -> Tensor:
    """[B, C, T] → [B, C, 1, T] with the channels of a frame beside each other in memory, on a
    narrow CPU when nothing learns: convolutions are faster so, their gradients are not."""
    if x.dim() == 4 or not on_narrow_cpu(x) or torch.is_grad_enabled():
        return x
    return x[:, :, None].contiguous(memory_format=torch.channels_last)
