"""Training steps of both stages on the same batch."""

from __future__ import annotations

import torch
from torch import nn

from benchmarks.compare import original, workloads
from benchmarks.compare.decoding_pairs import gpt_models
from benchmarks.compare.speed import Maker, Pair, Work
from ray_pipeline.models.sovits.config import SOVITS_CONFIGS
from ray_pipeline.models.sovits.discriminator import Discriminator
from ray_pipeline.models.sovits.synthesizer import Synthesizer
from ray_pipeline.training.gpt.data import GptBatch
from ray_pipeline.training.gpt.recipe import GPT_RECIPE
from ray_pipeline.training.gpt.step import GptStepper, gpt_optimizer
from ray_pipeline.training.sovits.recipe import SOVITS_RECIPE
from ray_pipeline.training.sovits.step import SovitsStepper, sovits_optimizers

SOVITS_ITEMS = 2
SOVITS_FRAMES = 100
GPT_ITEMS = 2


def makers(device: str) -> list[Maker]:
    precisions = [False, True] if device == "cuda" else [False]
    found = []
    for half in precisions:
        suffix = "float16" if half else "float32"
        found += [
            Maker(
                f"sovits training {v} {suffix}", lambda v=v, h=half: sovits_pair(v, device, half=h)
            )
            for v in ("v2", "v2ProPlus")
        ]
        found.append(Maker(f"gpt training {suffix}", lambda h=half: _gpt(device, h)))
    return found


def sovits_pair(version: str, device: str, *, half: bool) -> Pair:
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
        half_precision=half,
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


def _gpt(device: str, half: bool) -> Pair:
    """Four batches and one step of the optimiser each time; the rate counts batches."""
    ours, theirs = gpt_models(device, torch.float32)
    ours.train(), theirs.train()
    batch = workloads.gpt_batch(GPT_ITEMS, 50, 125, device)
    stepper = GptStepper(ours, gpt_optimizer(ours, GPT_RECIPE), GPT_RECIPE, half_precision=half)

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
