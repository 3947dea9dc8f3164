"""Spectrogram → the latent that it came from, for training."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ray_pipeline.models.sovits.wavenet import WaveNet


class PosteriorEncoder(nn.Module):
    def __init__(
        self, spec_bins: int, inter: int, hidden: int, num_layers: int, ge_channels: int
    ) -> None:
        super().__init__()
        self.pre = nn.Conv1d(spec_bins, hidden, 1)
        self.enc = WaveNet(hidden, num_layers, ge_channels)
        self.proj = nn.Conv1d(hidden, 2 * inter, 1)

    def forward(
        self, spec: Tensor, mask: Tensor, ge: Tensor, noise: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """spec [B, bins, T], mask [B, 1, T], ge [B, G, 1], noise [B, inter, T]
        → sample, mean and log deviation, each [B, inter, T]."""
        hidden = self.enc(self.pre(spec) * mask, mask, ge)
        mean, log_deviation = (self.proj(hidden) * mask).chunk(2, dim=1)
        sample = (mean + noise * torch.exp(log_deviation)) * mask
        return sample, mean, log_deviation
