"""The gated convolution stack (van den Oord et al. 2016) inside posterior and flow.

B batch, C hidden channels, G channels of the global embedding `ge`, T frames.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ray_pipeline.models.sovits.layers import NormedConv1d

_KERNEL = 5


class WaveNet(nn.Module):
    def __init__(self, channels: int, num_layers: int, ge_channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.num_layers = num_layers
        last = num_layers - 1
        self.in_layers = nn.ModuleList(
            NormedConv1d(channels, 2 * channels, _KERNEL, padding=_KERNEL // 2)
            for _ in range(num_layers)
        )
        # The last layer has nobody after it and only adds to the output.
        self.res_skip_layers = nn.ModuleList(
            NormedConv1d(channels, channels if layer == last else 2 * channels, 1)
            for layer in range(num_layers)
        )
        self.cond_layer = NormedConv1d(ge_channels, 2 * channels * num_layers, 1)

    def forward(self, x: Tensor, mask: Tensor, ge: Tensor) -> Tensor:
        """x [B, C, T], mask [B, 1, T], ge [B, G, 1] → [B, C, T]."""
        conditions = self.cond_layer(ge).chunk(self.num_layers, dim=1)
        skips: Tensor | None = None
        last = self.num_layers - 1
        for layer in range(self.num_layers):
            gates = self.in_layers[layer](x).add_(conditions[layer])
            content, gate = gates.chunk(2, dim=1)
            mixed = self.res_skip_layers[layer](torch.tanh(content) * torch.sigmoid(gate))
            if layer < last:
                residual, skip = mixed.chunk(2, dim=1)
                x = (x + residual) * mask
            else:
                skip = mixed
            skips = skip if skips is None else skips + skip
        assert skips is not None
        return skips * mask
