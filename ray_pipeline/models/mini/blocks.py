"""The one block that all networks of mini are built of.

B batch, T places in time, C channels. Sequences are [B, T, C].
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class ConvNextBlock(nn.Module):
    """ConvNeXt (Liu et al. 2022) along time, as Vocos uses it (Siuzdak 2023).

        x ── depthwise conv over time ── norm ── scale, shift ── C -> 3C ── ReLU ── 3C -> C ── + x

    Scale and shift come from a condition vector [B, condition], as in adaptive layer norm.
    """

    _EXPANSION = 3

    def __init__(self, channels: int, kernel: int, condition: int | None = None) -> None:
        super().__init__()
        self.over_time = nn.Conv2d(
            channels, channels, (kernel, 1), padding=(kernel // 2, 0), groups=channels
        )
        self.norm = nn.LayerNorm(channels, elementwise_affine=condition is None)
        self.wide = nn.Linear(channels, self._EXPANSION * channels)
        self.narrow = nn.Linear(self._EXPANSION * channels, channels)
        nn.init.zeros_(self.narrow.bias)
        with torch.no_grad():
            self.narrow.weight.mul_(0.3)  # blocks begin near the identity
        self.modulation = None
        if condition is not None:
            self.modulation = nn.Linear(condition, 2 * channels)
            nn.init.zeros_(self.modulation.weight)
            nn.init.zeros_(self.modulation.bias)

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """[B, T, C] to [B, T, C]."""
        hidden = self.norm(self._over_time(x))
        if self.modulation is not None:
            scale, shift = self.modulation(condition)[:, None].chunk(2, dim=-1)
            hidden = hidden * (1 + scale) + shift
        mixed: Tensor = self.narrow(F.relu(self.wide(hidden)))
        return x + mixed

    def _over_time(self, x: Tensor) -> Tensor:
        # On a CPU a depthwise Conv2d in channels_last takes a quarter of the time of Conv1d,
        # and [B, T, C] is in that order already: no copy is made.
        image = x.transpose(1, 2).unsqueeze(-1)
        mixed: Tensor = self.over_time(image.to(memory_format=torch.channels_last))
        return mixed.squeeze(-1).transpose(1, 2)
