"""Transformer encoder with learned relative positions (Shaw et al. 2018, as used in VITS).

B batch, T frames, C channels, H heads, D channels of a head, W window.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ray_pipeline.models.sovits.layers import ChannelNorm, pointwise

_WINDOW = 4  # offsets -4..4 have an embedding, all others none


class RelativeAttention(nn.Module):
    """Self-attention whose scores and outputs also depend on the offset of the key."""

    def __init__(self, channels: int, num_heads: int, dropout: float) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.dropout = dropout
        head = channels // num_heads
        offsets = 2 * _WINDOW + 1
        # Shared by the heads, in the order -W … W.
        self.emb_rel_k = nn.Parameter(torch.randn(1, offsets, head) * head**-0.5)
        self.emb_rel_v = nn.Parameter(torch.randn(1, offsets, head) * head**-0.5)
        self.conv_q = nn.Conv1d(channels, channels, 1)
        self.conv_k = nn.Conv1d(channels, channels, 1)
        self.conv_v = nn.Conv1d(channels, channels, 1)
        self.conv_o = nn.Conv1d(channels, channels, 1)
        for conv in (self.conv_q, self.conv_k, self.conv_v):
            nn.init.xavier_uniform_(conv.weight)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """x [B, T, C], bias [B, 1, 1, T] added to the scores → [B, T, C]."""
        query, key, value = (
            pointwise(x, conv).unflatten(-1, (self.num_heads, -1)).transpose(1, 2)
            for conv in (self.conv_q, self.conv_k, self.conv_v)
        )  # each [B, H, T, D]
        query = query * (1 / math.sqrt(query.shape[-1]))
        scores = query @ key.transpose(-1, -2) + bias
        scores = scores + _spread_band(query @ self.emb_rel_k[0].T)
        weights = F.dropout(scores.softmax(-1), self.dropout, self.training)
        mixed = weights @ value + _gather_band(weights) @ self.emb_rel_v[0]
        return pointwise(mixed.transpose(1, 2).flatten(2), self.conv_o)


def _spread_band(band: Tensor) -> Tensor:
    """[B, H, T, 2W+1] by offset → [B, H, T, T] by key position, zero outside the window.

    Rows that are one longer than the wanted matrix shift by one column a row when they are
    read back at the wanted width: offset d of query t lands on column t + d.
    """
    num_frames, offsets = band.shape[-2:]
    rows = F.pad(band, (0, num_frames)).flatten(-2)
    width = num_frames + offsets - 1
    square = rows[..., : num_frames * width].unflatten(-1, (num_frames, width))
    return square[..., _WINDOW : _WINDOW + num_frames]


def _gather_band(square: Tensor) -> Tensor:
    """[B, H, T, T] by key position → [B, H, T, 2W+1] by offset; undoes `_spread_band`."""
    num_frames = square.shape[-1]
    rows = F.pad(square, (_WINDOW, _WINDOW)).flatten(-2)
    rows = F.pad(rows, (0, num_frames)).unflatten(-1, (num_frames, -1))
    return rows[..., : 2 * _WINDOW + 1]


class FeedForward(nn.Module):
    """Two convolutions over time with a ReLU between; frames outside the mask stay zero."""

    def __init__(self, channels: int, inner: int, kernel: int, dropout: float) -> None:
        super().__init__()
        self.dropout = dropout
        self.conv_1 = nn.Conv1d(channels, inner, kernel, padding=kernel // 2)
        self.conv_2 = nn.Conv1d(inner, channels, kernel, padding=kernel // 2)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """x [B, T, C], mask [B, T, 1] → [B, T, C]."""
        inner = F.relu_(self.conv_1((x * mask).transpose(1, 2)))
        inner = F.dropout(inner, self.dropout, self.training)
        return self.conv_2(inner * mask.transpose(1, 2)).transpose(1, 2) * mask


class Encoder(nn.Module):
    """`num_layers` times attention and feed-forward, each with a residual and a norm after it."""

    def __init__(
        self,
        channels: int,
        inner_channels: int,
        num_heads: int,
        num_layers: int,
        kernel: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.dropout = dropout
        layers = range(num_layers)
        self.attn_layers = nn.ModuleList(
            RelativeAttention(channels, num_heads, dropout) for _ in layers
        )
        self.norm_layers_1 = nn.ModuleList(ChannelNorm(channels) for _ in layers)
        self.ffn_layers = nn.ModuleList(
            FeedForward(channels, inner_channels, kernel, dropout) for _ in layers
        )
        self.norm_layers_2 = nn.ModuleList(ChannelNorm(channels) for _ in layers)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """x [B, C, T], mask [B, 1, T] of ones and zeros → [B, C, T], zero outside the mask."""
        # Hiding the keys is enough: what the hidden queries compute is cut off at the end.
        bias = (mask[:, None] - 1) * 1e4
        mask = mask.transpose(1, 2).to(x.dtype)
        x = x.transpose(1, 2) * mask
        for attend, norm_1, feed_forward, norm_2 in zip(
            self.attn_layers, self.norm_layers_1, self.ffn_layers, self.norm_layers_2, strict=True
        ):
            x = norm_1(x + self._drop(attend(x, bias)))
            x = norm_2(x + self._drop(feed_forward(x, mask)))
        return (x * mask).transpose(1, 2)

    def _drop(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.dropout, self.training)
