"""The first half of stage 2: tokens and a speaker to mel, pitch and voicing.

B batch, L phones, T tokens at 50 Hz, F = 2 T frames at 100 Hz, C channels.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ray_pipeline.models.mini.blocks import ConvNextBlock
from ray_pipeline.models.mini.config import (
    MELS_PER_TOKEN,
    NUM_MELS,
    SPEAKER_DIM,
    AcousticConfig,
)
from ray_pipeline.models.mini.phones import PhoneEncoder, SpeakerCondition
from ray_pipeline.models.mini.sound import middle_pitch_hz


@dataclass(frozen=True)
class Frames:
    """`mel` [B, F, 80]; `pitch` [B, F], the logarithm of its distance from the speaker's middle;
    `voicing` [B, F], positive where there is voice."""

    mel: Tensor
    pitch: Tensor
    voicing: Tensor

    def pitch_hz(self, speaker: Tensor, shift: float = 1.0) -> Tensor:
        """[B, F], 0 without voice, `shift` times as high as the speaker [B, 162] speaks."""
        hz = middle_pitch_hz(speaker)[:, None] * shift * self.pitch.float().exp()
        return torch.where(self.voicing > 0, hz, torch.zeros_like(hz))


class AcousticModel(nn.Module):
    """Phones in context, spread over their frames, refined there with the speaker's condition.

        phones ── PhoneEncoder ── gather ── + place in the phone ── blocks ── two frames a token

    As in FastSpeech 2 (Ren et al. 2020), but for the networks; nothing is drawn at random.
    """

    def __init__(self, config: AcousticConfig) -> None:
        super().__init__()
        self.config = config
        self.phones = PhoneEncoder(
            config.num_symbols, config.channels, config.phone_kernel, config.phone_blocks
        )
        self.place = nn.Linear(3, config.channels)
        self.condition = SpeakerCondition(SPEAKER_DIM, config.condition)
        self.blocks = nn.ModuleList(
            ConvNextBlock(config.channels, config.frame_kernel, config.condition)
            for _ in range(config.frame_blocks)
        )
        self.norm = nn.LayerNorm(config.channels)
        self.head = nn.Linear(config.channels, MELS_PER_TOKEN * (NUM_MELS + 2))

    def forward(
        self, phones: Tensor, lengths: Tensor, index: Tensor, place: Tensor, speaker: Tensor
    ) -> Frames:
        """Phones [B, L] and their number [B]; of each token the index of its phone [B, T] and
        its place in it [B, T, 3] (`tokens.places`); speaker vectors [B, 162]."""
        encoded = self.phones(phones, lengths)
        spread = index[..., None].expand(-1, -1, encoded.shape[-1])
        hidden = torch.gather(encoded, 1, spread) + self.place(place)
        condition = self.condition(speaker)
        for block in self.blocks:
            hidden = block(hidden, condition)
        batch, num_tokens, _ = hidden.shape
        made: Tensor = self.head(self.norm(hidden))
        made = made.float().reshape(batch, num_tokens * MELS_PER_TOKEN, NUM_MELS + 2)
        # Logarithms of magnitudes lie about -5, so the head need not learn that.
        return Frames(made[..., :NUM_MELS] * 2 - 5, made[..., -2] / 4, made[..., -1])
