"""What a SoVITS training starts from: its networks, its order of clips, its length."""

from __future__ import annotations

import math

import torch
from torch import nn

from ray_pipeline.models.encoders.codebook import Codebook
from ray_pipeline.models.sovits.discriminator import Discriminator
from ray_pipeline.models.sovits.layers import NormedConv1d, NormedConvTranspose1d
from ray_pipeline.models.sovits.synthesizer import Synthesizer
from ray_pipeline.training.batch import EpochSampler
from ray_pipeline.training.recipe import TrainingLength, plan_length
from ray_pipeline.training.recomputing import recompute
from ray_pipeline.training.share_sampler import ShareBatchSampler
from ray_pipeline.training.sovits.sampler import BucketBatchSampler
from ray_pipeline.training.sovits.settings import SovitsSettings
from ray_pipeline.training.sovits.step import text_parts
from ray_pipeline.training.worker import TrainWorker
from ray_pipeline.weights.files import load_discriminator, load_matching, load_sovits


def build_networks(settings: SovitsSettings) -> tuple[Synthesizer, Discriminator]:
    """Both networks before the first step; the same on every worker and every attempt.

    The codebook and the projection onto it are frozen, as in the original; the parts that read
    the text, too, when their rate is 0.
    """
    model = settings.model
    torch.manual_seed(settings.seed)
    generator = Synthesizer(model)
    discriminator = Discriminator(model.periods, model.discriminator_divisor)
    if settings.pretrained is None:
        draw_vocoder(generator.dec)
    else:
        generator_path, discriminator_path = settings.pretrained
        load_matching(generator, load_sovits(generator_path, model.version).state_dict)
        load_matching(discriminator, load_discriminator(discriminator_path))
    if settings.start is not None:  # without what exports leave out: posterior, discriminator
        load_matching(generator, load_sovits(settings.start, model.version).state_dict)
    if settings.codebook is not None:
        Codebook.load(settings.codebook).apply(generator)
    generator.ssl_proj.requires_grad_(False)
    if settings.text_rate == 0:
        for part in text_parts(generator):
            part.requires_grad_(False)
    if settings.recompute:
        recompute(large_blocks(generator))
    return generator, discriminator


def large_blocks(generator: Synthesizer) -> list[nn.Module]:
    """Those that keep much for their gradients, each small alone. Not the discriminators: what
    they keep is their feature maps, which the loss of these needs anyway."""
    text = generator.enc_p
    return [
        *(text.encoder_ssl, text.encoder_text, text.encoder2),
        generator.enc_q,
        *generator.flow.flows,
        *generator.dec.resblocks,
    ]


def make_sampler(settings: SovitsSettings, worker: TrainWorker) -> EpochSampler:
    lengths = [item.length_frames for item in settings.items]
    if settings.recipe.own_shares:
        return ShareBatchSampler(
            lengths,
            settings.batch_size,
            num_replicas=worker.num_workers,
            rank=worker.rank,
            seed=settings.seed,
            min_batches=settings.recipe.min_epoch_steps,
        )
    return BucketBatchSampler(
        lengths, settings.batch_size, num_replicas=worker.num_workers, rank=worker.rank
    )


def sovits_length(settings: SovitsSettings, epoch_steps: int) -> TrainingLength:
    return plan_length(
        settings.epochs,
        epoch_steps,
        min_steps=settings.recipe.min_steps,
        max_steps=settings.max_steps,
    )


def draw_vocoder(vocoder: nn.Module) -> None:
    """Give a vocoder that learns from nothing weights through which a signal keeps its size.

    The usual start of HiFi-GAN (deviation 0.01) is made for long trainings: after 300 steps
    the mel error was 1.08 with it and 0.97 with this one.
    """
    for layer in vocoder.modules():
        if isinstance(layer, NormedConvTranspose1d):
            inputs = layer.weight_v.shape[0] * layer.weight_v.shape[2] / layer.stride
        elif isinstance(layer, NormedConv1d):
            inputs = layer.weight_v.shape[1] * layer.weight_v.shape[2]
        else:
            continue
        layer.start_normal(1 / math.sqrt(3 * inputs))
