"""What both stages begin with: phones in their context, and the speaker as a condition.

B batch, L phones, C channels.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ray_pipeline.models.mini.blocks import ConvNextBlock


class PhoneEncoder(nn.Module):
    """Ids to vectors that know their neighbours and their place in the sentence."""

    def __init__(self, num_symbols: int, channels: int, kernel: int, blocks: int) -> None:
        super().__init__()
        # One row more stands behind the ends of the shorter sentences of a batch.
        self.padding = num_symbols
        self.embedding = nn.Embedding(num_symbols + 1, channels, padding_idx=num_symbols)
        with torch.no_grad():
            self.embedding.weight[:-1].normal_(std=0.3)
        self.place = nn.Linear(3, channels)
        self.blocks = nn.ModuleList(ConvNextBlock(channels, kernel) for _ in range(blocks))

    def forward(self, phones: Tensor, lengths: Tensor) -> Tensor:
        """Ids [B, L] and their number [B] to [B, L, C]."""
        hidden = self.embedding(phones) + self.place(_places(phones, lengths))
        for block in self.blocks:
            hidden = block(hidden)
        return hidden


def _places(phones: Tensor, lengths: Tensor) -> Tensor:
    """[B, L, 3]: the part of the sentence that is over, how near its beginning and its end are.
    Zero behind the end."""
    index = torch.arange(phones.shape[1], device=phones.device)[None]
    left = lengths[:, None] - 1 - index
    near = torch.exp(-index / 8).expand_as(left)
    features = torch.stack([index / lengths[:, None], near, torch.exp(-left / 8)], dim=-1)
    return torch.where(left[..., None] >= 0, features, torch.zeros_like(features))


class SpeakerCondition(nn.Module):
    """Speaker vectors [B, speaker_dim] to conditions [B, size]."""

    def __init__(self, speaker_dim: int, size: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(speaker_dim, size), nn.SiLU(), nn.Linear(size, size))

    def forward(self, speaker: Tensor) -> Tensor:
        condition: Tensor = self.layers(speaker)
        return condition
