"""The losses of SoVITS's first twenty steps, ours beside the original's.

Float32, the same weights, clips of unequal length and random draws: both sides draw the noise of
the posterior first, then where each segment starts. Dropout is off; our style encoder has it where
no module shows it, so that is switched to its other mode as a whole. `small` is made for tests that
ask for our numbers in every run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn.utils import weight_norm

from benchmarks.compare import original, workloads
from benchmarks.compare.parity import STEPS, Parity
from ray_pipeline.audio.spectrogram import spectrogram
from ray_pipeline.models.sovits.config import SOVITS_CONFIGS, SovitsConfig
from ray_pipeline.models.sovits.discriminator import Discriminator
from ray_pipeline.models.sovits.synthesizer import Synthesizer
from ray_pipeline.training.sovits.data import SovitsBatch, SovitsExample, collate_sovits
from ray_pipeline.training.sovits.recipe import SOVITS_RECIPE
from ray_pipeline.training.sovits.step import SovitsStepper, sovits_optimizers

TERMS = ("discriminator", "generator", "features", "mel", "kl")  # the frozen codebook's is 0
SEGMENT_FRAMES = 4
_RATE = 1e-4
_CLIPS_FRAMES = (21, 14, 19, 9, 16, 12)  # two a batch

Losses = Mapping[str, Sequence[float]]  # by term, one for each step


def small(version: str) -> SovitsConfig:
    """The rest is fixed in the original: 192 hidden channels, 16 layers of the posterior. v2 adds
    its voice to 512 channels as it is."""
    return replace(
        SOVITS_CONFIGS[version],
        inter_channels=16,
        filter_channels=32,
        n_layers=2,
        p_dropout=0.0,
        resblock_kernel_sizes=(3,),
        resblock_dilation_sizes=((1, 3, 5),),
        upsample_initial_channel=32,
        gin_channels=512 if version == "v2" else 32,
        discriminator_divisor=16,
    )


def check_sovits_parity(config: SovitsConfig) -> Parity:
    name = f"SoVITS {config.version}, small"
    return Parity(name, STEPS, in_one_row(train_ours(config)), in_one_row(train_original(config)))


def in_one_row(losses: Losses) -> list[float]:
    return [loss for term in TERMS for loss in losses[term]]


def batches(config: SovitsConfig) -> Iterator[SovitsBatch]:
    """One a step: three pairs of clips, again and again."""
    examples = [_example(config, *numbered) for numbered in enumerate(_CLIPS_FRAMES)]
    for step in range(STEPS):
        first = 2 * step % len(examples)
        yield collate_sovits(examples[first : first + 2])


def _example(config: SovitsConfig, number: int, frames: int) -> SovitsExample:
    wav = workloads.uniform(f"wav{number}", 1, frames * 640, low=-0.5, high=0.5)
    speaker = None
    if config.speaker_dim is not None:
        speaker = workloads.uniform(f"speaker{number}", config.speaker_dim)
    return SovitsExample(
        name=f"clip{number}",
        ssl=workloads.uniform(f"ssl{number}", config.ssl_dim, frames),
        spec=spectrogram(wav)[0],
        wav=wav,
        phones=workloads.integers(f"phones{number}", 12 + number, high=config.num_phones),
        speaker=speaker,
    )


def train_ours(config: SovitsConfig) -> Losses:
    generator, discriminator = _ours(config)
    generator.ssl_proj.requires_grad_(False)
    optimizers = sovits_optimizers(generator, discriminator, SOVITS_RECIPE)
    stepper = SovitsStepper(generator, discriminator, optimizers, SOVITS_RECIPE)
    stepper.set_rate(_RATE)
    phase = replace(SOVITS_RECIPE.phases[0], segment_frames=SEGMENT_FRAMES)
    return _collect(config, lambda batch: stepper.step(batch, phase).losses)


def train_original(config: SovitsConfig) -> Losses:
    """Its own classes, the layers of its discriminators as wide as ours."""
    generator, discriminator = original.synthesizer_and_discriminator(config)
    ours = _ours(config)
    _narrow(discriminator, ours[1])
    generator.load_state_dict(ours[0].state_dict())
    discriminator.load_state_dict(ours[1].state_dict())
    trainer = original.SovitsTraining(generator, discriminator, False, SEGMENT_FRAMES)
    generator.ref_enc.eval()
    return _collect(config, trainer.step)


def _ours(config: SovitsConfig) -> tuple[Synthesizer, Discriminator]:
    torch.manual_seed(0)
    generator = Synthesizer(config).train()
    discriminator = Discriminator(config.periods, config.discriminator_divisor).train()
    generator.ref_enc.eval()
    return generator, discriminator


def _narrow(theirs: nn.Module, ours: Discriminator) -> None:
    for their_part, our_part in zip(theirs.discriminators, ours.discriminators, strict=True):
        their_part.convs = nn.ModuleList(map(_narrowed, their_part.convs, our_part.convs))
        their_part.conv_post = _narrowed(their_part.conv_post, our_part.conv_post)


def _narrowed(theirs: nn.Module, ours: nn.Module) -> nn.Module:
    """Its layer with the channels and groups of ours."""
    groups = getattr(ours, "groups", 1)
    outputs, share, *_ = ours.weight_v.shape
    sizes = {name: getattr(theirs, name) for name in ("kernel_size", "stride", "padding")}
    return weight_norm(type(theirs)(share * groups, outputs, groups=groups, **sizes))


def _collect(config: SovitsConfig, step: Callable[[SovitsBatch], Mapping[str, Tensor]]) -> Losses:
    collected: dict[str, list[float]] = {term: [] for term in TERMS}
    for number, batch in enumerate(batches(config)):
        torch.manual_seed(number)
        losses = step(batch)
        for term in TERMS:
            collected[term].append(float(losses[term]))
    return collected
