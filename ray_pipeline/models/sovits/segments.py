"""Short pieces cut out of longer items, so that the vocoder trains on a second, not on all."""

from __future__ import annotations

import torch
from torch import Tensor


def random_starts(lengths: Tensor, size: int, generator: torch.Generator | None = None) -> Tensor:
    """[B] lengths → [B] starts, uniform over the places where `size` frames fit.

    An item shorter than `size` starts at 0.
    """
    places = (lengths - size + 1).clamp(min=1)
    draws = torch.rand(len(lengths), generator=generator, device=lengths.device)
    return torch.minimum((draws * places).long(), places - 1)


def slice_segments(x: Tensor, starts: Tensor, size: int) -> Tensor:
    """x [B, C, T], starts [B] → [B, C, size]. Raises ValueError when T is below `size`."""
    if x.shape[-1] < size:
        raise ValueError(f"cannot cut {size} frames out of {x.shape[-1]}")
    positions = starts.clamp(max=x.shape[-1] - size)[:, None] + torch.arange(size, device=x.device)
    return x.gather(2, positions[:, None].expand(-1, x.shape[1], -1))
