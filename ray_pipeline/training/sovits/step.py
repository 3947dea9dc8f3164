"""One iteration of the SoVITS training: the discriminator learns, then the generator.

Knows nothing of epochs, files or Ray. The order of things is the original's:

    generator(batch) ──┬─ detached ─> discriminator ─> loss ─> step of the discriminator
                       └─> the updated discriminator ─> adversarial + features + mel + KL
                                                                   └─> step of the generator

In a phase without adversary only mel and KL count and the discriminator rests.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import AdamW, Optimizer

from ray_pipeline.audio.spectrogram import mel_spectrogram, spec_to_mel
from ray_pipeline.core.audio_format import HOP_SAMPLES
from ray_pipeline.models.sovits.losses import (
    discriminator_loss,
    feature_loss,
    generator_loss,
    kl_loss,
)
from ray_pipeline.models.sovits.segments import slice_segments
from ray_pipeline.models.sovits.synthesizer import Synthesizer, SynthesizerOutput
from ray_pipeline.training.arithmetic import Arithmetic
from ray_pipeline.training.metrics import gradient_norm
from ray_pipeline.training.sovits.data import SovitsBatch
from ray_pipeline.training.sovits.recipe import MelWindow, SovitsPhase, SovitsRecipe


@dataclass(frozen=True)
class SovitsStepResult:
    """Losses before their weights, without gradient; `total` is what the generator minimised.

    `mel_real` and `mel_fake` [B, 128, segment] are the log-mels that the mel loss compared.
    """

    losses: dict[str, Tensor]
    output: SynthesizerOutput
    mel_real: Tensor
    mel_fake: Tensor


def text_parts(generator: Synthesizer) -> tuple[nn.Module, ...]:
    """Those with a learning rate of their own, in the order of the optimiser's groups."""
    text = generator.enc_p
    return text.text_embedding, text.encoder_text, text.mrte


def sovits_optimizers(
    generator: Synthesizer, discriminator: nn.Module, recipe: SovitsRecipe
) -> tuple[AdamW, AdamW]:
    """The generator's groups, in the order that checkpoints have: everything else, then the
    text embedding, the text encoder and the cross attention."""
    slow = [list(part.parameters()) for part in text_parts(generator)]
    slow_ids = {id(parameter) for part in slow for parameter in part}
    others = [p for p in generator.parameters() if id(p) not in slow_ids]
    groups = [{"params": part} for part in (others, *slow)]
    return _adamw(groups, recipe), _adamw([{"params": list(discriminator.parameters())}], recipe)


def _adamw(groups: list[dict[str, list[nn.Parameter]]], recipe: SovitsRecipe) -> AdamW:
    return AdamW(
        groups,
        lr=recipe.base_learning_rate,
        betas=recipe.betas,
        eps=recipe.eps,
        weight_decay=recipe.weight_decay,
        fused=True,
    )


class SovitsStepper:
    """`generator` and `discriminator` may be wrapped for several workers; `text_rate` is the
    factor on the learning rate of the text groups. Both optimisers have one loss scaler."""

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        optimizers: tuple[Optimizer, Optimizer],
        recipe: SovitsRecipe,
        *,
        text_rate: float = 1.0,
        arithmetic: Arithmetic | None = None,
    ) -> None:
        self.generator = generator
        self.discriminator = discriminator
        self.generator_optimizer, self.discriminator_optimizer = optimizers
        self.text_rate = text_rate
        self._recipe = recipe
        self._arithmetic = arithmetic or Arithmetic()
        self.scaler = self._arithmetic.scaler()
        self.gradient_norms: dict[str, Tensor] = {}

    def set_rate(self, rate: float) -> None:
        for number, group in enumerate(self.generator_optimizer.param_groups):
            group["lr"] = rate * (self.text_rate if number else 1.0)
        for group in self.discriminator_optimizer.param_groups:
            group["lr"] = rate

    def step(
        self,
        batch: SovitsBatch,
        phase: SovitsPhase,
        *,
        starts: Tensor | None = None,
        posterior_noise: Tensor | None = None,
    ) -> SovitsStepResult:
        """Both optimisers take a step. `starts` [B] (frames) and `posterior_noise` fix what is
        drawn at random otherwise."""
        output = self.generate(batch, phase, starts, posterior_noise)
        fake = output.y_hat.float()
        losses: dict[str, Tensor] = {}
        if phase.adversarial:
            real = true_segments(batch, output.ids_slice, phase.segment_frames)
            loss = self.discriminator_loss(real, fake.detach())
            losses["discriminator"] = loss.detach()
            self._learn("discriminator", loss)
        terms, mel_real, mel_fake = self.generator_losses(batch, phase, output)
        losses |= terms
        losses["total"] = self.weigh(losses)
        self._learn("generator", losses["total"])
        self.scaler.update()
        detached = {name: loss.detach() for name, loss in losses.items()}
        return SovitsStepResult(detached, output, mel_real, mel_fake.detach())

    def generate(
        self,
        batch: SovitsBatch,
        phase: SovitsPhase,
        starts: Tensor | None = None,
        posterior_noise: Tensor | None = None,
    ) -> SynthesizerOutput:
        """What the generator makes of the clips' own sound."""
        with self._arithmetic.autocast():
            output: SynthesizerOutput = self.generator(
                batch.ssl,
                batch.spec,
                batch.spec_lengths,
                batch.phones,
                batch.phone_lengths,
                batch.speaker,
                segment_frames=phase.segment_frames,
                ids_slice=starts,
                posterior_noise=posterior_noise,
            )
        return output

    def generator_losses(
        self, batch: SovitsBatch, phase: SovitsPhase, output: SynthesizerOutput
    ) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        """The terms that the generator minimises, before their weights; and the log-mels that the
        mel loss compares, the true one first. `kl` is a mean over frames, all others over clips."""
        fake = output.y_hat.float()
        real = true_segments(batch, output.ids_slice, phase.segment_frames)
        mel_real = slice_segments(spec_to_mel(batch.spec), output.ids_slice, phase.segment_frames)
        mel_fake = mel_spectrogram(fake.squeeze(1))
        losses = {"mel": F.l1_loss(mel_real, mel_fake)}
        losses["kl"] = kl_loss(output.z_p, output.logs_q, output.m_p, output.logs_p, output.z_mask)
        losses["commit"] = output.commit_loss.float()
        if phase.fine_mels:
            losses["fine_mel"] = fine_mel_loss(real, fake, phase.fine_mels)
        if self._recipe.offset_weight:
            losses["offset"] = (fake.mean(dim=-1) - real.mean(dim=-1)).abs().mean()
        if phase.adversarial:
            losses["generator"], losses["features"] = self._judge(real, fake)
        return losses, mel_real, mel_fake

    def weigh(self, losses: Mapping[str, Tensor]) -> Tensor:
        """The sum of the terms with the recipe's weights."""
        mel_weight, kl_weight = self._recipe.mel_weight, self._recipe.kl_weight
        weights = {"mel": mel_weight, "fine_mel": mel_weight, "kl": kl_weight, "commit": 1.0}
        weights |= {"generator": 1.0, "features": 1.0, "offset": self._recipe.offset_weight}
        terms = [weights[name] * losses[name] for name in weights if name in losses]
        return torch.stack(terms).sum()

    def discriminator_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        """How badly the discriminator tells one from the other."""
        with self._arithmetic.autocast():
            scores, _ = self.discriminator(torch.cat([real, fake]))
        halves = [score.chunk(2) for score in scores]
        return discriminator_loss([half[0] for half in halves], [half[1] for half in halves])

    def _judge(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """The adversarial loss and the feature matching loss of the generator.

        The discriminator takes no gradient here, so its weights need none computed and, on
        several workers, nothing of it is exchanged.
        """
        judge = unwrapped(self.discriminator)
        judge.requires_grad_(False)
        try:
            with self._arithmetic.autocast():
                with torch.no_grad():
                    _, real_maps = judge(real)
                scores, fake_maps = judge(fake)
            return generator_loss(scores), feature_loss(real_maps, fake_maps)
        finally:
            judge.requires_grad_(True)

    def _learn(self, network: Literal["generator", "discriminator"], loss: Tensor) -> None:
        self.optimizer_of(network).zero_grad()
        self.scaler.scale(loss).backward()
        self.update(network)

    def update(self, network: Literal["generator", "discriminator"]) -> None:
        """A step with the gradients there are."""
        optimizer = self.optimizer_of(network)
        self.gradient_norms[f"gradient_norm_{network}"] = gradient_norm(optimizer, self.scaler)
        self.scaler.step(optimizer)

    def optimizer_of(self, network: Literal["generator", "discriminator"]) -> Optimizer:
        is_generator = network == "generator"
        return self.generator_optimizer if is_generator else self.discriminator_optimizer


def true_segments(batch: SovitsBatch, starts: Tensor, num_frames: int) -> Tensor:
    """The stretches [B, 1, samples] of the recordings that the generator made anew."""
    return slice_segments(batch.wav, starts * HOP_SAMPLES, num_frames * HOP_SAMPLES)


def fine_mel_loss(real: Tensor, fake: Tensor, windows: Sequence[MelWindow]) -> Tensor:
    """L1 between log spectrograms of waveforms [B, 1, N] over shorter windows, summed: finer in
    time than the usual one, so the pitch periods of the voice count."""
    terms = []
    for window in windows:
        of_real, of_fake = (
            mel_spectrogram(
                wave.squeeze(1), window.n_fft, window.hop, window.n_fft, num_mels=window.num_mels
            )
            for wave in (real, fake)
        )
        terms.append(F.l1_loss(of_real, of_fake))
    return torch.stack(terms).sum()


def unwrapped(module: nn.Module) -> nn.Module:
    """The module inside DistributedDataParallel, or itself."""
    inner = getattr(module, "module", module)
    return inner if isinstance(inner, nn.Module) else module
