"""Faults that a test may let a training meet, ordered as the points of `core.stop_points` are.

Off unless the environment variable `GSV_STOP_AT` names a file, which holds an order a line: a
fault and a pattern of what is learned from, as in `nan *clip3.wav*`. Each order is carried out
once, by the first process that comes by with what it names, and is removed then.

    nan      the tensors of the batch, named by its clips with blanks between, are no numbers
    memory   the device has no memory for these clips, named likewise
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Literal

import torch

from ray_pipeline.core.stop_points import VARIABLE
from ray_pipeline.training.batch import AnyBatch

Fault = Literal["nan", "memory"]


def spoil(batch: AnyBatch) -> AnyBatch:
    """The batch, or if it is so ordered one without a number in it."""
    if not _is_ordered("nan", batch.names):
        return batch
    spoilt: dict[str, Any] = {
        name: torch.full_like(value, torch.nan)
        for name, value in vars(batch).items()
        if isinstance(value, torch.Tensor) and value.is_floating_point()
    }
    return replace(batch, **spoilt)


def take_memory(names: Sequence[str]) -> None:
    """Raises torch.OutOfMemoryError if it is so ordered."""
    if _is_ordered("memory", names):
        raise torch.OutOfMemoryError("out of memory, as ordered")


def _is_ordered(fault: Fault, names: Sequence[str]) -> bool:
    path = os.environ.get(VARIABLE)
    if path is None or not Path(path).is_file():
        return False
    first, *others = Path(path).read_text("utf-8").splitlines()
    wanted, _, pattern = first.partition(" ")
    if wanted != fault or not fnmatch(" ".join(names), pattern):
        return False
    if others:
        Path(path).write_text("\n".join(others), "utf-8")
    else:
        Path(path).unlink()
    return True
