"""Checkpoints of the SoVITS training, as the original writes them: generator in
`G_<step>.pth`, discriminator in `D_<step>.pth`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn
from torch.optim import Optimizer

from ray_pipeline.training.checkpoints import Position, only_file, restore
from ray_pipeline.weights.files import TrainingCheckpoint, load_training

CHECKPOINT_PATTERNS = ("G_*.pth", "D_*.pth")


def sovits_checkpoint(
    networks: tuple[nn.Module, nn.Module],
    optimizers: tuple[Optimizer, Optimizer],
    position: Position,
    *,
    learning_rate: float,
) -> dict[str, Any]:
    """The files' names and content: generator and discriminator, in this order. `learning_rate`
    is the base rate."""
    files = {}
    for letter, network, optimizer in zip("GD", networks, optimizers, strict=True):
        checkpoint = TrainingCheckpoint(
            state_dict=network.state_dict(),
            optimizer=optimizer.state_dict(),
            iteration=position.epoch,
            learning_rate=learning_rate,
        )
        files[f"{letter}_{position.step}.pth"] = checkpoint.content()
    return files


def load_sovits_checkpoint(
    folder: Path,
    networks: tuple[nn.Module, nn.Module],
    optimizers: tuple[Optimizer, Optimizer],
) -> Position:
    """Raises BadModelFile when a file is missing, damaged or of another model."""
    position = Position()
    for pattern, network, optimizer in zip(CHECKPOINT_PATTERNS, networks, optimizers, strict=True):
        path = only_file(folder, pattern)
        checkpoint = load_training(path)
        restore(path, network, optimizer, checkpoint.state_dict, checkpoint.optimizer)
        position = Position(checkpoint.iteration, int(path.stem.split("_")[1]))
    return position
