"""What every recipe of a training says, and how long a training is.

A recipe is how a base is trained, as data: rates, batch sizes, phases. Each network of a family
has its own kind (`gpt/recipe.py`, `sovits/recipe.py`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """`max_batch_size` bounds what the task asks for. `min_steps` are done whatever number of
    epochs is asked, `min_epoch_steps` make up an epoch at least. With `own_shares` each worker
    keeps its own clips, some clips are held out, and short lists are not repeated.
    `half_precision` allows 16 bits where the GPU is good at them, and `bfloat16` that kind of them
    where it has it; otherwise they are float16."""

    own_shares: bool = False
    max_batch_size: int | None = None
    min_steps: int = 0
    min_epoch_steps: int = 1
    half_precision: bool = True
    bfloat16: bool = True


@dataclass(frozen=True)
class TrainingLength:
    """`total_steps` batches in `epochs` epochs of `epoch_steps`; the last may be shorter."""

    epochs: int
    epoch_steps: int
    total_steps: int


def plan_length(
    epochs: int, epoch_steps: int, *, min_steps: int = 0, max_steps: int | None = None
) -> TrainingLength:
    """What was asked, raised to `min_steps`, then cut to `max_steps`."""
    total = max(epochs * epoch_steps, min_steps)
    if max_steps is not None:
        total = min(total, max_steps)
    return TrainingLength(math.ceil(total / epoch_steps), epoch_steps, total)
