"""The clips that a training keeps for judging: it never learns from them, and says after each
epoch how it does on them.

The numbers are ours (the original holds nothing out): 5 % is a usual share; three clips are the
fewest whose mean one odd clip does not decide; more than twenty add time and hardly certainty. Of
ten to nineteen clips one is kept, for a training that hears nothing but its own clips cannot tell
when it has had enough. Under ten each clip is worth more in the training.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeVar

from ray_pipeline.core.options import TaskConfig, TrainOptions
from ray_pipeline.training.settings import TrainingItem

AnyItem = TypeVar("AnyItem", bound=TrainingItem)

_SHARE = 0.05
_FEWEST_CLIPS = 10
_ENOUGH_FOR_SEVERAL = 20
SEVERAL, _MOST = 3, 20


def usual_number(num_clips: int) -> int:
    """How many of so many clips are held out where nobody says."""
    if num_clips < _FEWEST_CLIPS:
        return 0
    if num_clips < _ENOUGH_FOR_SEVERAL:
        return 1
    return min(max(SEVERAL, round(_SHARE * num_clips)), _MOST)


def held_out_names(names: Sequence[str], seed: int, *, count: int | None = None) -> set[str]:
    """`count` of the names, or the usual number. A clip's lot depends on its name and the seed,
    so both trainings of a voice draw the same, and each attempt draws what the one before drew."""
    distinct = sorted(set(names))
    count = usual_number(len(distinct)) if count is None else count

    def lot(name: str) -> bytes:
        return hashlib.sha256(f"{seed}/{name}".encode()).digest()

    return set(sorted(distinct, key=lot)[:count])


def hold_out(
    items: Sequence[AnyItem], config: TaskConfig, options: TrainOptions, *, least: int = 1
) -> tuple[list[AnyItem], list[AnyItem]]:
    """The clips to train on, at least `least` of them, and those to judge by. Under
    `strict_compat` all are trained on, as the original does, unless clips are asked for."""
    count = options.held_out_clips
    if count is None and config.strict_compat:
        count = 0
    if count is None:
        count = usual_number(len(items))
    held_out = held_out_names(
        [item.name for item in items],
        config.seed,
        count=max(min(count, len(items) - least), 0),
    )
    used = [item for item in items if item.name not in held_out]
    return used, [item for item in items if item.name in held_out]
