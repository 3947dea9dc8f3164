"""An invertible map between the prior's latent and the posterior's (mean-only couplings)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ray_pipeline.models.sovits.wavenet import WaveNet


class Coupling(nn.Module):
    """Shifts the upper half of the channels by what a WaveNet makes of the lower half."""

    def __init__(self, inter: int, hidden: int, num_layers: int, ge_channels: int) -> None:
        super().__init__()
        self.half_channels = inter // 2
        self.pre = nn.Conv1d(self.half_channels, hidden, 1)
        self.enc = WaveNet(hidden, num_layers, ge_channels)
        self.post = nn.Conv1d(hidden, self.half_channels, 1)
        nn.init.zeros_(self.post.weight)
        assert self.post.bias is not None
        nn.init.zeros_(self.post.bias)

    def forward(self, x: Tensor, mask: Tensor, ge: Tensor, *, inverse: bool) -> Tensor:
        lower, upper = x.split(self.half_channels, dim=1)
        shift = self.post(self.enc(self.pre(lower) * mask, mask, ge)) * mask
        upper = (upper - shift) * mask if inverse else shift + upper * mask
        return torch.cat([lower, upper], dim=1)


class Reversal(nn.Module):
    """Turns the order of the channels around, so that each half is shifted in its turn."""

    def forward(self, x: Tensor, mask: Tensor, ge: Tensor, *, inverse: bool) -> Tensor:
        return x.flip(1)


class Flow(nn.Module):
    def __init__(
        self, inter: int, hidden: int, num_flows: int, num_layers: int, ge_channels: int
    ) -> None:
        super().__init__()
        self.flows = nn.ModuleList()
        for _ in range(num_flows):
            self.flows.append(Coupling(inter, hidden, num_layers, ge_channels))
            self.flows.append(Reversal())

    def forward(self, x: Tensor, mask: Tensor, ge: Tensor, *, inverse: bool = False) -> Tensor:
        """x [B, inter, T] → [B, inter, T]: posterior to prior, or back when `inverse`."""
        for step in reversed(self.flows) if inverse else self.flows:
            x = step(x, mask, ge, inverse=inverse)
        return x
