"""How mini is trained: steps, rates, batch sizes, as data. Found by measuring; the numbers of
the base are in its model card, those of the fine-tuning in docs/measurements."""

from __future__ import annotations

import math
from dataclasses import dataclass

MIN_EPOCH_STEPS = 25  # a checkpoint and an export more often would cost more than they save


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """A rate that rises in a straight line over `warmup` steps and falls to a twentieth along a
    half cosine at `steps`."""

    steps: int
    learning_rate: float
    warmup: int = 20
    floor: float = 0.05

    def rate_at(self, step: int) -> float:
        """The rate of step number `step`, from 0."""
        rising = min(1.0, (step + 1) / max(self.warmup, 1))
        over = min(1.0, step / max(self.steps, 1))
        return self.learning_rate * rising * max(self.floor, (1 + math.cos(math.pi * over)) / 2)


@dataclass(frozen=True, kw_only=True)
class StageRecipe:
    """`batch_size` clips a step, `teacher_share` of them the base's own; `slice_frames` (10 ms
    each) are what the vocoder sees of a clip, `predicted_share` of its slices come from the mel
    that the acoustic model makes. Every `judge_every` steps, from `least_steps` on, the
    held-out clips are judged, and after `patience` judgements without a better one the training
    ends with the best."""

    schedule: Schedule
    batch_size: int
    teacher_share: float = 0.0
    slice_frames: int = 0
    predicted_share: float = 0.0
    judge_every: int = 50
    least_steps: int = 0
    patience: int = 3
    betas: tuple[float, float] = (0.9, 0.98)
    weight_decay: float = 0.01
    clip_norm: float = 1.0


@dataclass(frozen=True, kw_only=True)
class FineTuning:
    """The three parts of a user's voice, in the order in which they run."""

    durations: StageRecipe
    acoustic: StageRecipe
    vocoder: StageRecipe


FINE_TUNING = FineTuning(
    durations=StageRecipe(
        schedule=Schedule(steps=100, learning_rate=5e-4), batch_size=8, teacher_share=0.25
    ),
    acoustic=StageRecipe(
        schedule=Schedule(steps=160, learning_rate=8e-4),
        batch_size=8,
        teacher_share=0.25,
        # The error on held-out clips is least after 50 steps, but then the voice is not yet the
        # speaker's.
        judge_every=20,
        least_steps=120,
    ),
    vocoder=StageRecipe(
        schedule=Schedule(steps=160, learning_rate=6e-4),
        batch_size=8,
        slice_frames=80,
        predicted_share=0.5,
        betas=(0.8, 0.98),
    ),
)
