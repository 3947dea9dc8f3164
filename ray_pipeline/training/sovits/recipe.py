"""How the SoVITS of a base is trained. The original's recipe fine-tunes a pretrained base; nano's
trains a small network from nothing on few clips, and was found by measuring: GAN phases after a
phase of plain spectrogram losses, the step counts that a two-core machine needs minutes for."""

from __future__ import annotations

from dataclasses import dataclass

from ray_pipeline.training.recipe import Recipe


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
class SovitsRecipe(Recipe):
    """`decay_per_epoch` is applied once before the first epoch. `offset_weight` keeps the mean of
    the waveform at the recording's: mel bands are blind at 0 Hz, and without pretrained weights
    nothing else pulls it there. `slow_text` lets the text encoder learn at a lower rate."""

    phases: tuple[SovitsPhase, ...]
    betas: tuple[float, float] = (0.8, 0.99)
    eps: float = 1e-9
    weight_decay: float = 0.01
    decay_per_epoch: float = 0.999875
    mel_weight: float = 45.0
    kl_weight: float = 1.0
    offset_weight: float = 0.0
    slow_text: bool = True

    def batch_size(self, wanted: int) -> int:
        return min(wanted, self.max_batch_size or wanted)

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


# bfloat16 rounds what the vocoder says: docs/decisions/0016-sixteen-bits.md.
SOVITS_RECIPE = SovitsRecipe(
    phases=(SovitsPhase(share=1.0, segment_frames=32, learning_rate=1e-4, adversarial=True),),
    bfloat16=False,
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


def sovits_recipe(version: str) -> SovitsRecipe:
    return NANO_SOVITS_RECIPE if version == "nano" else SOVITS_RECIPE
