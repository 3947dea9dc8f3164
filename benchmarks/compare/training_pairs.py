"""Training steps of both stages on the same batch."""

from __future__ import annotations

from typing import get_args

import torch
from torch import nn

from benchmarks.compare import original, workloads
from benchmarks.compare.decoding_pairs import gpt_models
from benchmarks.compare.speed import Maker, Pair, Work
from ray_pipeline.models.sovits.config import SOVITS_CONFIGS
from ray_pipeline.models.sovits.discriminator import Discriminator
from ray_pipeline.models.sovits.synthesizer import Synthesizer
from ray_pipeline.training.arithmetic import Arithmetic
from ray_pipeline.training.gpt.data import GptBatch
from ray_pipeline.training.gpt.recipe import GPT_RECIPE
from ray_pipeline.training.gpt.step import GptStepper, gpt_optimizer
from ray_pipeline.training.precision import Precision
from ray_pipeline.training.sovits.recipe import SOVITS_RECIPE
from ray_pipeline.training.sovits.step import SovitsStepper, sovits_optimizers

SOVITS_ITEMS = 2
SOVITS_FRAMES = 100
GPT_ITEMS = 2


def makers(device: str) -> list[Maker]:
    """bfloat16 is beside the original's float16, for it has no other 16 bits."""
    precisions = get_args(Precision) if device == "cuda" else ("float32",)
    found = []
    for precision in precisions:
        ours = Arithmetic(precision, device)
        found += [
            Maker(f"sovits training {v} {precision}", lambda v=v, o=ours: sovits_pair(v, o))
            for v in ("v2", "v2ProPlus")
        ]
        found.append(Maker(f"gpt training {precision}", lambda o=ours: _gpt(o)))
    return found


def sovits_pair(version: str, arithmetic: Arithmetic) -> Pair:
    device, half = arithmetic.device_type, arithmetic.precision != "float32"
    config = SOVITS_CONFIGS[version]
    generator, discriminator = Synthesizer(config), Discriminator(config.periods)
    theirs = original.synthesizer_and_discriminator(config)
    for mine, other in zip((generator, discriminator), theirs, strict=True):
        weights = workloads.filled(mine)
        mine.load_state_dict(weights)
        other.load_state_dict(weights)
        mine.to(device).train()
        other.to(device)
    batch = workloads.sovits_batch(config, SOVITS_ITEMS, SOVITS_FRAMES, device)
    stepper = SovitsStepper(
        generator,
        discriminator,
        sovits_optimizers(generator, discriminator, SOVITS_RECIPE),
        SOVITS_RECIPE,
        arithmetic=arithmetic,
    )
    stepper.set_rate(1e-4)
    other_stepper = original.SovitsTraining(*theirs, half)

    def ours() -> float:
        stepper.step(batch, SOVITS_RECIPE.phases[0])
        return 1.0

    def by_theirs() -> float:
        other_stepper.step(batch)
        return 1.0

    return Pair(version, "steps/s", ours, by_theirs)


def _gpt(arithmetic: Arithmetic) -> Pair:
    """Four batches and one step of the optimiser each time; the rate counts batches."""
    device, half = arithmetic.device_type, arithmetic.precision != "float32"
    ours, theirs = gpt_models(device, torch.float32)
    ours.train(), theirs.train()
    batch = workloads.gpt_batch(GPT_ITEMS, 50, 125, device)
    optimizer = gpt_optimizer(ours, GPT_RECIPE)
    stepper = GptStepper(ours, optimizer, GPT_RECIPE, arithmetic=arithmetic)

    def run_ours() -> float:
        for index in range(1, 5):
            stepper.step(batch, index)
        return 4.0

    return Pair("stage 1", "batches/s", run_ours, _their_gpt(theirs, batch, half))


def _their_gpt(model: nn.Module, batch: GptBatch, half: bool) -> Work:
    optimizer = original.scaled_adam(model)
    scaler = torch.amp.GradScaler("cuda", enabled=half)

    def run() -> float:
        for _ in range(4):
            with torch.autocast("cuda", dtype=torch.float16, enabled=half):
                loss, _ = model.forward_old(
                    batch.phones,
                    batch.phone_lengths,
                    batch.tokens,
                    batch.token_lengths,
                    batch.bert,
                )
            scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        optimizer.zero_grad()
        return 4.0

    return run
