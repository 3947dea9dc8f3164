"""How each base model is trained: rates, batch sizes, phases, as data.

Two recipes a network. The original's fine-tunes a pretrained base; nano's trains a small
network from nothing on few clips, and was found by measuring (GAN phases after a phase of
plain spectrogram losses, the step counts that a two-core machine needs minutes for).
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class MelWindow:
    """A short-time spectrogram, in samples at 32 kHz."""

    n_fft: int
    hop: int
    num_mels: int


@dataclass(frozen=True, kw_only=True)
class SovitsPhase:
    """A stretch of the training. `share` is its part of all steps; `learning_rate` holds
    before the decay per epoch; `segment_frames` is the length of the generated slice (20 ms
    a frame); without `adversarial` the discriminator rests; `fine_mels` are mel losses over
    shorter windows, added to the usual one. `final_rate` is the factor that the learning rate
    has fallen to, in a straight line, at the end of the phase."""

    share: float
    segment_frames: int
    learning_rate: float
    adversarial: bool
    fine_mels: tuple[MelWindow, ...] = ()
    final_rate: float = 1.0


@dataclass(frozen=True, kw_only=True)
class SovitsRecipe:
    """`decay_per_epoch` is applied once before the first epoch. `max_batch_size` bounds what
    the task asks for. `min_steps` are done whatever number of epochs is asked, `min_epoch_steps`
    make up an epoch at least. `offset_weight` keeps the mean of the waveform at the recording's:
    mel bands are blind at 0 Hz, and without pretrained weights nothing else pulls it there.
    With `own_shares` each worker keeps its own clips and short
    lists are not repeated. `slow_text` lets the text encoder learn at a lower rate."""

    phases: tuple[SovitsPhase, ...]
    betas: tuple[float, float] = (0.8, 0.99)
    eps: float = 1e-9
    weight_decay: float = 0.01
    decay_per_epoch: float = 0.999875
    mel_weight: float = 45.0
    kl_weight: float = 1.0
    offset_weight: float = 0.0
    slow_text: bool = True
    own_shares: bool = False
    max_batch_size: int | None = None
    min_steps: int = 0
    min_epoch_steps: int = 1
    half_precision: bool = True

    def phase_at(self, step: int, total_steps: int) -> SovitsPhase:
        """The phase that step number `step` (from 0) of `total_steps` belongs to."""
        return self._place(step, total_steps)[0]

    def rate_at(self, step: int, total_steps: int, epoch: int) -> float:
        """The base learning rate of a step of an epoch, counted from 1."""
        phase, done = self._place(step, total_steps)
        fallen = 1 - (1 - phase.final_rate) * done
        return phase.learning_rate * fallen * self.decay_per_epoch**epoch

    def _place(self, step: int, total_steps: int) -> tuple[SovitsPhase, float]:
        """The phase of a step, and how much of that phase was done before it, 0..1."""
        start, share = 0, 0.0
        for phase in self.phases:
            share += phase.share
            end = round(share * total_steps)
            if step < end:
                return phase, (step - start) / (end - start)
            start = end
        return self.phases[-1], 1.0

    @property
    def longest_segment_frames(self) -> int:
        return max(phase.segment_frames for phase in self.phases)

    @property
    def base_learning_rate(self) -> float:
        return self.phases[0].learning_rate


@dataclass(frozen=True, kw_only=True)
class GptRecipe:
    """With `scaled_adam` the optimiser and its two-valued rate are the original's: 0.01 for
    the first step, 0.002 for all others. Otherwise AdamW at `learning_rate` after a linear
    warm-up. `accumulate` batches are summed before a step; the loss is a sum over positions,
    or with `mean_loss` their mean."""

    scaled_adam: bool
    learning_rate: float
    betas: tuple[float, float]
    warmup_steps: int = 0
    clip_norm: float | None = None
    accumulate: int = 1
    mean_loss: bool = False
    own_shares: bool = False
    max_batch_size: int | None = None
    min_steps: int = 0
    min_epoch_steps: int = 1
    half_precision: bool = True

    def rate_at(self, step: int) -> float:
        """The learning rate of optimiser step number `step`, from 0."""
        if self.scaled_adam:
            return SCALED_ADAM_FIRST_RATE if step == 0 else SCALED_ADAM_RATE
        return self.learning_rate * min(1.0, (step + 1) / max(self.warmup_steps, 1))


SCALED_ADAM_INITIAL_RATE = 1e-5  # only ever seen in logs, which lag one step behind
SCALED_ADAM_FIRST_RATE = 0.01
SCALED_ADAM_RATE = 0.002

SOVITS_RECIPE = SovitsRecipe(
    phases=(SovitsPhase(share=1.0, segment_frames=32, learning_rate=1e-4, adversarial=True),),
)

_FINE_MELS = (
    MelWindow(n_fft=1024, hop=256, num_mels=80),
    MelWindow(n_fft=512, hop=128, num_mels=40),
)

NANO_SOVITS_RECIPE = SovitsRecipe(
    phases=(
        SovitsPhase(
            share=0.6,
            segment_frames=64,
            learning_rate=2e-3,
            adversarial=False,
            fine_mels=_FINE_MELS,
        ),
        SovitsPhase(
            share=0.4,
            segment_frames=32,
            learning_rate=1e-3,
            adversarial=True,
            fine_mels=_FINE_MELS,
            # At a constant rate one seed of two jumped from 0.91 to 1.15 in the last steps.
            final_rate=0.1,
        ),
    ),
    offset_weight=200.0,
    slow_text=False,
    own_shares=True,
    max_batch_size=2,
    min_steps=500,
    min_epoch_steps=10,
    half_precision=False,
)

GPT_RECIPE = GptRecipe(
    scaled_adam=True,
    learning_rate=SCALED_ADAM_RATE,
    betas=(0.9, 0.95),
    accumulate=4,
)

NANO_GPT_RECIPE = GptRecipe(
    scaled_adam=False,
    learning_rate=1e-3,
    betas=(0.9, 0.999),
    warmup_steps=20,
    clip_norm=1.0,
    mean_loss=True,
    own_shares=True,
    max_batch_size=4,
    min_steps=150,
    min_epoch_steps=5,
    half_precision=False,
)


def sovits_recipe(version: str) -> SovitsRecipe:
    return NANO_SOVITS_RECIPE if version == "nano" else SOVITS_RECIPE


def gpt_recipe(version: str) -> GptRecipe:
    return NANO_GPT_RECIPE if version == "nano" else GPT_RECIPE


def logged_gpt_rate(step: int) -> float:
    """What the original's log shows at optimiser step `step`: the rate of the step before."""
    return SCALED_ADAM_INITIAL_RATE if step == 0 else GPT_RECIPE.rate_at(step - 1)


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
