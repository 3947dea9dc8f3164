"""The clips that a training keeps for judging."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeVar

from ray_pipeline.training.settings import TrainingItem

AnyItem = TypeVar("AnyItem", bound=TrainingItem)

_HELD_OUT_SHARE = 0.05
_HELD_OUT_AT_LEAST = 3
_ENOUGH_CLIPS = 20  # below, every clip is worth more in the training


def held_out_names(names: Sequence[str], seed: int) -> set[str]:
    """5 % of the clips, at least three, none of a small data set. A clip's lot depends on its
    name and the seed, so both trainings of a voice draw the same."""
    if len(names) < _ENOUGH_CLIPS:
        return set()
    count = max(_HELD_OUT_AT_LEAST, round(_HELD_OUT_SHARE * len(names)))
    return set(
        sorted(names, key=lambda name: hashlib.sha256(f"{seed}/{name}".encode()).digest())[:count]
    )


def hold_out(items: Sequence[AnyItem], seed: int) -> tuple[list[AnyItem], list[AnyItem]]:
    """The clips to train on, and those to judge by."""
    held_out = held_out_names([item.name for item in items], seed)
    used = [item for item in items if item.name not in held_out]
    return used, [item for item in items if item.name in held_out]
