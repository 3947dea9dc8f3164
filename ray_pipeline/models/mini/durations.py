"""Stage 1: how long each phone lasts.

B batch, L phones, C channels.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ray_pipeline.models.mini.blocks import ConvNextBlock
from ray_pipeline.models.mini.config import SPEAKER_DIM, DurationConfig
from ray_pipeline.models.mini.phones import PhoneEncoder, SpeakerCondition


class DurationModel(nn.Module):
    """Phones to durations in one pass, as in FastSpeech (Ren et al. 2019).

    phones ── PhoneEncoder ── blocks with the speaker's condition ── log(1 + frames)
    """

    def __init__(self, config: DurationConfig) -> None:
        super().__init__()
        self.config = config
        self.phones = PhoneEncoder(config.num_symbols, config.channels, config.kernel, blocks=1)
        self.condition = SpeakerCondition(SPEAKER_DIM, config.condition)
        self.blocks = nn.ModuleList(
            ConvNextBlock(config.channels, config.kernel, config.condition)
            for _ in range(config.blocks - 1)
        )
        self.norm = nn.LayerNorm(config.channels)
        self.head = nn.Linear(config.channels, 1)
        # Phones last about 4 frames; without this the first steps only find that out.
        nn.init.constant_(self.head.bias, 1.6)

    def forward(self, phones: Tensor, lengths: Tensor, speaker: Tensor) -> Tensor:
        """Ids [B, L], their number [B] and speaker vectors [B, 162] to log(1 + frames) [B, L]."""
        hidden = self.phones(phones, lengths)
        condition = self.condition(speaker)
        for block in self.blocks:
            hidden = block(hidden, condition)
        logs: Tensor = self.head(self.norm(hidden))
        return logs[..., 0]

    @torch.inference_mode()
    def frames(self, phones: Tensor, speaker: Tensor) -> Tensor:
        """Of one sentence: ids [L] and speaker vector [162] to frames [L], with fractions."""
        lengths = torch.tensor([len(phones)], device=phones.device)
        logs = self(phones[None], lengths, speaker[None])[0]
        return (logs.float().exp() - 1).clamp(min=0.3)
