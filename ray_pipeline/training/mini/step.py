"""One step of each of mini's networks: losses, gradients, optimiser.

Knows nothing of epochs, files or Ray. Matrix products run in bfloat16 where the CPU has
instructions for it (twice as fast together, the products alone eight times with AMX).
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_
from torch.optim import AdamW, Optimizer

from ray_pipeline.audio.spectrogram import mel_filters
from ray_pipeline.models.mini.acoustic import Frames
from ray_pipeline.models.mini.config import SAMPLE_RATE
from ray_pipeline.models.mini.sound import middle_pitch_hz
from ray_pipeline.training.mini.data import AcousticBatch, DurationBatch, VocoderBatch
from ray_pipeline.training.mini.recipe import StageRecipe

PITCH_WEIGHT, VOICING_WEIGHT = 1.0, 0.3

# FFT size, hop and mel bands of the spectra that the vocoder is compared by.
VOCODER_SPECTRA = ((2048, 512, 128), (1280, 320, 100), (640, 160, 64), (320, 80, 32))


def optimizer_of(model: nn.Module, recipe: StageRecipe) -> Optimizer:
    return AdamW(
        model.parameters(),
        lr=recipe.schedule.learning_rate,
        betas=recipe.betas,
        weight_decay=recipe.weight_decay,
        fused=True,
    )


class Stepper:
    """`step(losses)` with what one of the functions below made; the sum is minimised."""

    def __init__(
        self,
        model: nn.Module,
        optimizer: Optimizer,
        recipe: StageRecipe,
        steps_done: int = 0,
        *,
        rate_factor: float = 1.0,
    ) -> None:
        self.model = model
        self.optimizer = optimizer
        self.steps_done = steps_done
        self._recipe = recipe
        self._rate_factor = rate_factor

    def step(self, losses: Mapping[str, Tensor]) -> dict[str, float]:
        """One step of the optimiser; the losses as numbers."""
        for group in self.optimizer.param_groups:
            group["lr"] = self._recipe.schedule.rate_at(self.steps_done) * self._rate_factor
        self.optimizer.zero_grad()
        torch.stack(list(losses.values())).sum().backward()
        clip_grad_norm_(self.model.parameters(), self._recipe.clip_norm)
        self.optimizer.step()
        self.steps_done += 1
        return {name: loss.item() for name, loss in losses.items()}


def duration_losses(model: nn.Module, batch: DurationBatch) -> dict[str, Tensor]:
    """`durations`: the mean square of the error of log(1 + frames)."""
    with faster_products(batch.phones.device):
        logs = model(batch.phones, batch.lengths, batch.speaker)
    spoken = _within(batch.lengths, logs.shape[1])
    errors = (logs.float() - batch.log_frames).square()
    return {"durations": (errors * spoken).sum() / spoken.sum()}


def acoustic_losses(model: nn.Module, batch: AcousticBatch) -> dict[str, Tensor]:
    """`mel`: mean distance a bin; `pitch`: of its logarithm, where there is voice; `voicing`:
    cross-entropy. The latter two are weighted."""
    with faster_products(batch.phones.device):
        made: Frames = model(batch.phones, batch.lengths, batch.index, batch.place, batch.speaker)
    heard = _within(batch.num_frames, made.mel.shape[1])
    mel = ((made.mel - batch.mel).abs().mean(-1) * heard).sum() / heard.sum()
    voiced = (batch.pitch_hz > 0).float()
    middle = middle_pitch_hz(batch.speaker)[:, None]
    height = torch.log(torch.where(voiced > 0, batch.pitch_hz, middle) / middle)
    pitch = ((made.pitch - height).abs() * voiced).sum() / voiced.sum().clamp(min=1)
    voicing = F.binary_cross_entropy_with_logits(made.voicing, voiced, reduction="none")
    voicing = (voicing * heard).sum() / heard.sum()
    return {"mel": mel, "pitch": PITCH_WEIGHT * pitch, "voicing": VOICING_WEIGHT * voicing}


def vocoder_losses(
    model: nn.Module, batch: VocoderBatch, generator: torch.Generator
) -> dict[str, Tensor]:
    """`spectrum`: mean distance of log-mel spectra over four windows, up to `top_hz`."""
    noise = torch.randn(batch.wav.shape, generator=generator, device=batch.wav.device)
    with faster_products(batch.wav.device):
        made = model(batch.mel, batch.pitch_hz, noise)
    return {"spectrum": spectral_distance(made, batch.wav, batch.top_hz)}


def spectral_distance(made: Tensor, real: Tensor, top_hz: Tensor) -> Tensor:
    """Two waveforms [B, N] and where their recordings end [B]: the mean distance of the
    logarithms of their mel bands, of those that lie below the end."""
    total = made.new_zeros(())
    for n_fft, hop, bands in VOCODER_SPECTRA:
        filters, edges = _bands(n_fft, bands, made.device)
        window = _window(n_fft, made.device)
        both = torch.stft(torch.cat([made, real]), n_fft, hop, window=window, return_complex=True)
        logs = (filters @ both.abs()).clamp(min=1e-4).log()
        ours, theirs = logs.chunk(2)
        counts = (edges[None] <= top_hz[:, None]).float()[..., None]
        total = total + ((ours - theirs).abs() * counts).sum() / (counts.sum() * logs.shape[-1])
    return total / len(VOCODER_SPECTRA)


@functools.cache
def _bands(n_fft: int, bands: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Filters [bands, bins] up to 16 kHz and the upper edge of each in Hz [bands]."""
    filters = mel_filters(SAMPLE_RATE, n_fft, bands, 0.0, None, device)
    bins = torch.arange(filters.shape[1], device=device) * (SAMPLE_RATE / n_fft)
    return filters, ((filters > 0) * bins).amax(dim=1)


@functools.cache
def _window(size: int, device: torch.device) -> Tensor:
    return torch.hann_window(size, device=device)


def _within(lengths: Tensor, longest: int) -> Tensor:
    """[B, longest]: 1 up to each length, 0 behind."""
    return (torch.arange(longest, device=lengths.device)[None] < lengths[:, None]).float()


def faster_products(device: torch.device) -> AbstractContextManager[object]:
    """Autocast to bfloat16 where it pays."""
    if device.type == "cuda" or _cpu_has_bfloat16():
        return torch.autocast(device.type, dtype=torch.bfloat16)
    return nullcontext()


@functools.cache
def _cpu_has_bfloat16() -> bool:
    return torch.cpu._is_avx512_bf16_supported()
