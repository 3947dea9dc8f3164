"""Checkpoints of a run, one folder an epoch, and their names in the experiment folder.

A folder holds what the original writes: `G_<step>.pth` and `D_<step>.pth` for SoVITS, one
`epoch=E-step=S.ckpt` for the GPT. It lies in Ray Train's storage, which keeps the newest two;
the experiment folder has links to the files, so nothing large is written twice.

Epochs count from 1, also in the files, where `iteration` is the last finished one.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn
from torch.optim import Optimizer

from ray_pipeline.core.errors import BadModelFile
from ray_pipeline.core.workspace import PARTIAL_PREFIX
from ray_pipeline.weights.archive import load_archive, save_archive
from ray_pipeline.weights.files import TrainingCheckpoint, load_training, save_training

_GPT_PREFIX = "model."


@dataclass(frozen=True)
class Resumed:
    """The last finished epoch, and how many batches were done in all."""

    epoch: int
    step: int


def folder_of_epoch(run_folder: Path, epoch: int) -> Path:
    """An empty folder for a checkpoint; what an interrupted attempt left there is removed."""
    folder = run_folder / f"epoch_{epoch:05d}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def save_sovits_checkpoint(
    folder: Path,
    networks: tuple[nn.Module, nn.Module],
    optimizers: tuple[Optimizer, Optimizer],
    *,
    epoch: int,
    step: int,
    learning_rate: float,
) -> None:
    """Generator and discriminator, in this order. `learning_rate` is the base rate."""
    for letter, network, optimizer in zip("GD", networks, optimizers, strict=True):
        checkpoint = TrainingCheckpoint(
            state_dict=network.state_dict(),
            optimizer=optimizer.state_dict(),
            iteration=epoch,
            learning_rate=learning_rate,
        )
        save_training(folder / f"{letter}_{step}.pth", checkpoint)


def load_sovits_checkpoint(
    folder: Path,
    networks: tuple[nn.Module, nn.Module],
    optimizers: tuple[Optimizer, Optimizer],
) -> Resumed:
    """Raises BadModelFile when a file is missing, damaged or of another model."""
    resumed = None
    for letter, network, optimizer in zip("GD", networks, optimizers, strict=True):
        path = _only_file(folder, f"{letter}_*.pth")
        checkpoint = load_training(path)
        _load(path, network, optimizer, checkpoint.state_dict, checkpoint.optimizer)
        resumed = Resumed(checkpoint.iteration, int(path.stem.split("_")[1]))
    assert resumed is not None
    return resumed


def save_gpt_checkpoint(
    folder: Path,
    model: nn.Module,
    optimizer: Optimizer,
    *,
    epoch: int,
    step: int,
    optimizer_steps: int,
) -> None:
    """The keys of a Lightning checkpoint, which the original resumes from. Its epochs count
    from 0 and its global step counts steps of the optimiser."""
    content: dict[str, Any] = {
        "epoch": epoch - 1,
        "global_step": optimizer_steps,
        "batches": step,
        "pytorch-lightning_version": "2.4.0",
        "state_dict": {_GPT_PREFIX + key: value for key, value in model.state_dict().items()},
        "optimizer_states": [optimizer.state_dict()],
        "lr_schedulers": [],
    }
    save_archive(folder / f"epoch={epoch - 1}-step={optimizer_steps}.ckpt", content)


@dataclass(frozen=True)
class ResumedGpt(Resumed):
    optimizer_steps: int


def load_gpt_checkpoint(folder: Path, model: nn.Module, optimizer: Optimizer) -> ResumedGpt:
    """Raises BadModelFile when the file is missing, damaged or of another model."""
    path = _only_file(folder, "epoch=*.ckpt")
    content = load_archive(path)
    try:
        prefixed, [state] = content["state_dict"], content["optimizer_states"]
        resumed = ResumedGpt(content["epoch"] + 1, content["batches"], content["global_step"])
    except (KeyError, TypeError, ValueError) as error:
        raise _foreign(path) from error
    weights = {key.removeprefix(_GPT_PREFIX): value for key, value in prefixed.items()}
    _load(path, model, optimizer, weights, state)
    return resumed


def _load(
    path: Path,
    network: nn.Module,
    optimizer: Optimizer,
    weights: dict[str, Any],
    optimizer_state: dict[str, Any],
) -> None:
    try:
        network.load_state_dict(weights, strict=True)
        optimizer.load_state_dict(optimizer_state)
    except (RuntimeError, ValueError, KeyError) as error:
        raise _foreign(path) from error


def _only_file(folder: Path, pattern: str) -> Path:
    found = list(folder.glob(pattern))
    if len(found) != 1:
        raise _foreign(folder / pattern)
    return found[0]


def _foreign(path: Path) -> BadModelFile:
    return BadModelFile(
        f"The training cannot go on from {path.name}: it is missing, damaged or of another model.",
        hint="Run the step with force to train anew.",
    )


def link_checkpoints(run_folder: Path, links: Path, patterns: tuple[str, ...]) -> list[Path]:
    """Make `links` show the checkpoint files there are, and drop links to those that went.

    Returns the links. Real files in the folder are left alone.
    """
    links.mkdir(parents=True, exist_ok=True)
    wanted = {
        path.name: path for pattern in patterns for path in run_folder.glob(f"epoch_*/{pattern}")
    }
    for link in links.iterdir():
        if link.is_symlink() and link.name not in wanted:
            link.unlink()
    for name, target in wanted.items():
        _link(links / name, Path(os.path.relpath(target, links)))
    return [links / name for name in wanted]


def _link(link: Path, target: Path) -> None:
    """Relative, so that a task's folder can be moved; swapped in, so that it is always there."""
    if link.is_symlink() and link.readlink() == target:
        return
    fresh = link.with_name(f"{PARTIAL_PREFIX}{link.name}")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(target)
    fresh.replace(link)


def prune_exports(folder: Path, pattern: str, keep: int) -> None:
    """Keep the newest `keep` exported files."""
    files = sorted(folder.glob(pattern), key=lambda path: path.stat().st_mtime_ns)
    for path in files[:-keep]:
        path.unlink(missing_ok=True)
