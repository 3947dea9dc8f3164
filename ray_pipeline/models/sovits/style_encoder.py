"""A reference recording → one vector of its voice (Meta-StyleSpeech, Min et al. 2021).

B batch, F frequency bins, T frames, C style channels.
"""

from __future__ import annotations

import math

import torch.nn.functional as F
from torch import Tensor, nn

_DROPOUT = 0.1
_KERNEL = 5


class _Dense(nn.Module):
    """A linear layer one level down, where the original's files have it."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.fc = nn.Linear(in_channels, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(x)


class _Conv(nn.Module):
    """A convolution one level down, likewise."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(in_channels, out_channels, _KERNEL, padding=_KERNEL // 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


class _GatedConv(nn.Module):
    """x + dropout(gated linear unit of a convolution), on [B, C, T]."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = _Conv(channels, 2 * channels)

    def forward(self, x: Tensor) -> Tensor:
        return x + F.dropout(F.glu(self.conv1(x), dim=1), _DROPOUT, self.training)


class _SelfAttention(nn.Module):
    def __init__(self, channels: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.w_qs = nn.Linear(channels, channels)
        self.w_ks = nn.Linear(channels, channels)
        self.w_vs = nn.Linear(channels, channels)
        self.fc = nn.Linear(channels, channels)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """x [B, T, C], mask [B, T] bool → [B, T, C]."""
        query, key, value = (
            linear(x).unflatten(-1, (self.num_heads, -1)).transpose(1, 2)
            for linear in (self.w_qs, self.w_ks, self.w_vs)
        )
        mixed = F.scaled_dot_product_attention(
            query,
            key,
            value,
            attn_mask=mask[:, None, None],
            dropout_p=_DROPOUT if self.training else 0.0,
            scale=1 / math.sqrt(x.shape[-1]),  # the full width, not that of a head
        )
        mixed = self.fc(mixed.transpose(1, 2).flatten(2))
        return x + F.dropout(mixed, _DROPOUT, self.training)


class StyleEncoder(nn.Module):
    def __init__(self, num_bins: int, channels: int, num_heads: int, out_channels: int) -> None:
        super().__init__()
        self.num_bins = num_bins
        self.spectral = nn.Sequential(
            _Dense(num_bins, channels),
            nn.Mish(),
            nn.Dropout(_DROPOUT),
            _Dense(channels, channels),
            nn.Mish(),
            nn.Dropout(_DROPOUT),
        )
        self.temporal = nn.Sequential(_GatedConv(channels), _GatedConv(channels))
        self.slf_attn = _SelfAttention(channels, num_heads)
        self.fc = _Dense(channels, out_channels)

    def forward(self, spec: Tensor, mask: Tensor) -> Tensor:
        """spec [B, F', T] of which the lowest `num_bins` are used, mask [B, T] bool
        → [B, out, 1]."""
        visible = mask[..., None]
        x = self.spectral(spec[:, : self.num_bins].transpose(1, 2) * visible)
        x = self.temporal(x.transpose(1, 2)).transpose(1, 2)
        x = self.slf_attn(x * visible, mask)
        # In float32 also under autocast. The last map is linear, so it may follow the mean.
        share = visible / visible.sum(1, keepdim=True)
        mean = (x.float() * share).sum(1)
        return self.fc(mean.to(x.dtype))[..., None]
