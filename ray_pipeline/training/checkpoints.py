"""Checkpoints of a run, one folder an epoch, and their names in the experiment folder.

What a folder holds is the family's (`gpt/checkpoint.py`, `sovits/checkpoint.py`): the files that
the original writes. It lies in Ray Train's storage, which keeps the newest two; the experiment
folder has links to the files, so nothing large is written twice.

Epochs count from 1.
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
from ray_pipeline.core.stop_points import pass_by
from ray_pipeline.core.workspace import PARTIAL_PREFIX

# A folder of a run with a checkpoint from elsewhere, before the number of its epochs (`adopting`).
ADOPTED = "adopted_"


@dataclass(frozen=True)
class Position:
    """The last finished epoch, and how many batches were done in all."""

    epoch: int = 0
    step: int = 0


def folder_of_epoch(run_folder: Path, epoch: int) -> Path:
    """An empty folder for a checkpoint; what an interrupted attempt left there is removed."""
    folder = run_folder / f"epoch_{epoch:05d}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def only_file(folder: Path, pattern: str) -> Path:
    """The one file of a checkpoint that the pattern matches. Raises BadModelFile."""
    matching = list(folder.glob(pattern))
    if len(matching) != 1:
        raise foreign_checkpoint(folder / pattern)
    return matching[0]


def restore(
    path: Path,
    network: nn.Module,
    optimizer: Optimizer,
    weights: dict[str, Any],
    optimizer_state: dict[str, Any],
) -> None:
    """Take over what was read from `path`. Raises BadModelFile where it does not fit."""
    try:
        network.load_state_dict(weights, strict=True)
        optimizer.load_state_dict(optimizer_state)
    except (RuntimeError, ValueError, KeyError) as error:
        raise foreign_checkpoint(path) from error


def foreign_checkpoint(path: Path) -> BadModelFile:
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
    pass_by("linked", link.name)
    fresh.replace(link)
