"""The codebook: a content vector ↔ the index of its nearest entry.

It is frozen, as in the original's training recipe: it neither learns nor passes a gradient.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Codebook(nn.Module):
    """Buffers of the original's files. Only `embed` [K, dim] is used here; the counts and sums
    belong to the moving average that once made it."""

    cluster_size: Tensor
    embed: Tensor
    embed_avg: Tensor

    def __init__(self, size: int, dim: int) -> None:
        super().__init__()
        self.register_buffer("inited", torch.ones(1))
        self.register_buffer("cluster_size", torch.zeros(size))
        self.register_buffer("embed", torch.randn(size, dim))
        self.register_buffer("embed_avg", self.embed.clone())


class Quantizer(nn.Module):
    def __init__(self, size: int, dim: int) -> None:
        super().__init__()
        # The original's residual quantiser with one layer, so `vq.layers.0._codebook`.
        layer = nn.Module()
        layer._codebook = Codebook(size, dim)
        self.vq = nn.Module()
        self.vq.layers = nn.ModuleList([layer])

    @property
    def codebook(self) -> Codebook:
        book = self.vq.layers[0]._codebook  # type: ignore[index, union-attr]
        assert isinstance(book, Codebook)
        return book

    @torch.no_grad()
    def encode(self, vectors: Tensor) -> Tensor:
        """[B, dim, T] → indices [B, T] of the entries at the smallest Euclidean distance."""
        entries = self.codebook.embed
        scores = vectors.transpose(1, 2) @ entries.T - 0.5 * entries.square().sum(1)
        return scores.argmax(-1)

    @torch.no_grad()
    def decode(self, codes: Tensor) -> Tensor:
        """Indices [B, T] → entries [B, dim, T]."""
        return self.codebook.embed[codes].transpose(1, 2)
