"""Semantic vectors and phones → the prior of the latent (mean and log deviation a frame).

B batch, C hidden channels, T frames (50 Hz), L phones; `ge` is the global embedding of the
voice. The part where both sides meet is the multi-reference timbre encoder of Mega-TTS 2.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ray_pipeline.models.sovits.config import SovitsConfig
from ray_pipeline.models.sovits.encoder import Encoder
from ray_pipeline.models.sovits.layers import frame_mask, pointwise


class CrossAttention(nn.Module):
    """Frames ask, phones answer; no positions, no dropout."""

    def __init__(self, channels: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.conv_q = nn.Conv1d(channels, channels, 1)
        self.conv_k = nn.Conv1d(channels, channels, 1)
        self.conv_v = nn.Conv1d(channels, channels, 1)
        self.conv_o = nn.Conv1d(channels, channels, 1)
        for conv in (self.conv_q, self.conv_k, self.conv_v):
            nn.init.xavier_uniform_(conv.weight)

    def forward(self, frames: Tensor, phones: Tensor, phone_mask: Tensor) -> Tensor:
        """frames [B, T, C], phones [B, L, C], phone_mask [B, L] bool → [B, T, C]."""
        mixed = F.scaled_dot_product_attention(
            self._heads(pointwise(frames, self.conv_q)),
            self._heads(pointwise(phones, self.conv_k)),
            self._heads(pointwise(phones, self.conv_v)),
            attn_mask=phone_mask[:, None, None],
        )
        return pointwise(mixed.transpose(1, 2).flatten(2), self.conv_o)

    def _heads(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)


class TimbreMixer(nn.Module):
    """Adds to every frame what the phones say and what the voice sounds like."""

    def __init__(self, hidden: int, channels: int, num_heads: int) -> None:
        super().__init__()
        self.cross_attention = CrossAttention(channels, num_heads)
        self.c_pre = nn.Conv1d(hidden, channels, 1)
        self.text_pre = nn.Conv1d(hidden, channels, 1)
        self.c_post = nn.Conv1d(channels, hidden, 1)

    def forward(
        self, semantic: Tensor, phones: Tensor, phone_mask: Tensor, mask: Tensor, ge: Tensor
    ) -> Tensor:
        """semantic [B, C, T], phones [B, C, L], both zero outside their masks (bool [B, L] and
        ones and zeros [B, 1, T]), ge [B, mrte, 1] → [B, C, T]."""
        frames = pointwise(semantic.transpose(1, 2), self.c_pre)
        asked = pointwise(phones.transpose(1, 2), self.text_pre)
        mixed = self.cross_attention(frames * mask.mT, asked * phone_mask[..., None], phone_mask)
        mixed = (mixed + frames + ge.mT) * mask.mT
        return pointwise(mixed, self.c_post).transpose(1, 2)


class TextEncoder(nn.Module):
    """The prior encoder: half of the layers read the tokens, all of them the phones."""

    def __init__(self, config: SovitsConfig) -> None:
        super().__init__()
        hidden = config.hidden_channels

        def encoder(num_layers: int) -> Encoder:
            return Encoder(
                hidden,
                config.filter_channels,
                config.n_heads,
                num_layers,
                config.kernel_size,
                config.p_dropout,
            )

        self.ssl_proj = nn.Conv1d(config.ssl_dim, hidden, 1)
        self.encoder_ssl = encoder(config.n_layers // 2)
        self.encoder_text = encoder(config.n_layers)
        self.text_embedding = nn.Embedding(config.num_phones, hidden)
        self.mrte = TimbreMixer(hidden, config.mrte_channels, config.mrte_heads)
        self.encoder2 = encoder(config.n_layers // 2)
        self.proj = nn.Conv1d(hidden, 2 * config.inter_channels, 1)

    def forward(
        self,
        semantic: Tensor,
        mask: Tensor,
        text: Tensor,
        text_lengths: Tensor,
        ge: Tensor,
        speed: float = 1.0,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """semantic [B, ssl_dim, T], mask [B, 1, T], text [B, L] phone ids, ge [B, mrte, 1].

        Returns features [B, C, T'], mean and log deviation [B, inter, T'] and the mask
        [B, 1, T'] at the wanted speed: T' is T, or int(T / speed) + 1 when speed is not 1.
        """
        frames = self.ssl_proj(semantic * mask) * mask
        frames = self.encoder_ssl(frames, mask)
        phone_mask = frame_mask(text_lengths, text.shape[1])
        phones = self.text_embedding(text).transpose(1, 2)
        phones = self.encoder_text(phones, phone_mask[:, None].to(phones.dtype))
        frames = self.mrte(frames, phones, phone_mask, mask, ge)
        frames = self.encoder2(frames, mask)
        if speed != 1.0:
            frames, mask = _stretch(frames, mask, speed)
        mean, log_deviation = (self.proj(frames) * mask).chunk(2, dim=1)
        return frames, mean, log_deviation, mask


def _stretch(frames: Tensor, mask: Tensor, speed: float) -> tuple[Tensor, Tensor]:
    num_frames = int(frames.shape[-1] / speed) + 1
    return (
        F.interpolate(frames, size=num_frames, mode="linear"),
        F.interpolate(mask, size=num_frames, mode="nearest"),
    )


def full_length(x: Tensor) -> Tensor:
    """[B] lengths of a batch without padding, from the last axis of x."""
    return torch.full((x.shape[0],), x.shape[-1], device=x.device)
