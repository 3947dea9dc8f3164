"""Training checkpoints of SoVITS, read by the other side: the same weights and the same state of
the optimisers for every parameter, by its name. The original writes and reads them with its own
`utils.save_checkpoint` and `utils.load_checkpoint`; of this it wants librosa."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn
from torch.optim import Optimizer

from benchmarks.compare import original, workloads
from ray_pipeline.models.sovits.config import SOVITS_CONFIGS
from ray_pipeline.models.sovits.discriminator import Discriminator
from ray_pipeline.models.sovits.synthesizer import Synthesizer
from ray_pipeline.training.checkpoints import Position
from ray_pipeline.training.sovits.checkpoint import (
    load_sovits_checkpoint,
    save_sovits_checkpoint,
)
from ray_pipeline.training.sovits.recipe import SOVITS_RECIPE
from ray_pipeline.training.sovits.step import SovitsStepper, sovits_optimizers

_RATE, _FRAMES = 1e-4, 40
Side = tuple[tuple[nn.Module, nn.Module], tuple[Optimizer, Optimizer]]


@dataclass(frozen=True)
class ReadBack:
    """`different` names the parameters that the reader has otherwise than the writer."""

    name: str
    num_parameters: int
    different: list[str]

    @property
    def passed(self) -> bool:
        return not self.different

    def __str__(self) -> str:
        state = "ok  " if self.passed else "FAIL"
        rest = f", different: {', '.join(self.different[:5])}" if self.different else ""
        return f"{state} {self.name}: {self.num_parameters} parameters{rest}"


def check_sovits_checkpoints(folder: Path, version: str = "v2Pro") -> Iterator[ReadBack]:
    """After one step of the side that writes."""
    import utils

    batch = workloads.sovits_batch(SOVITS_CONFIGS[version], 1, _FRAMES, "cpu")
    theirs, trainer = _theirs(version)
    trainer.step(batch)
    written = folder / "theirs"
    written.mkdir()
    os.chdir(folder)  # it writes beside itself first
    for letter, network, optimizer in zip("GD", *theirs, strict=True):
        utils.save_checkpoint(network, optimizer, _RATE, 1, str(written / f"{letter}_1.pth"))
    reader = _ours(version)
    position = load_sovits_checkpoint(written, *reader)
    assert position == Position(1, 1)
    yield _compare(f"{version} SoVITS checkpoint of the original, by ours", theirs, reader)

    ours, written = _ours(version), folder / "ours"
    written.mkdir()
    SovitsStepper(*ours[0], ours[1], SOVITS_RECIPE).step(batch, SOVITS_RECIPE.phases[0])
    save_sovits_checkpoint(written, *ours, Position(1, 1), learning_rate=_RATE)
    reader, _ = _theirs(version)
    for letter, network, optimizer in zip("GD", *reader, strict=True):
        path = utils.latest_checkpoint_path(str(written), f"{letter}_*.pth")
        utils.load_checkpoint(path, network, optimizer)
    yield _compare(f"our {version} SoVITS checkpoint, by the original", ours, reader)


def _ours(version: str) -> Side:
    config = SOVITS_CONFIGS[version]
    generator = Synthesizer(config)
    discriminator = Discriminator(config.periods, config.discriminator_divisor)
    generator.ssl_proj.requires_grad_(False)
    optimizers = sovits_optimizers(generator, discriminator, SOVITS_RECIPE)
    return (generator, discriminator), optimizers


def _theirs(version: str) -> tuple[Side, original.SovitsTraining]:
    networks = original.synthesizer_and_discriminator(SOVITS_CONFIGS[version])
    for network, other in zip(networks, _ours(version)[0], strict=True):
        network.load_state_dict(other.state_dict())  # a codebook, which it would fit else
    trainer = original.SovitsTraining(*networks, half=False)
    return (networks, (trainer.optim_g, trainer.optim_d)), trainer


def _compare(name: str, writer: Side, reader: Side) -> ReadBack:
    different, count = [], 0
    for network, optimizer, other, other_optimizer in zip(*writer, *reader, strict=True):
        others = dict(other.named_parameters())
        for key, parameter in network.named_parameters():
            count += 1
            states = optimizer.state.get(parameter, {}), other_optimizer.state.get(others[key], {})
            same = torch.equal(parameter, others[key]) and states[0].keys() == states[1].keys()
            if not same or not all(torch.equal(states[0][k], states[1][k]) for k in states[0]):
                different.append(key)
    return ReadBack(name, count, different)
