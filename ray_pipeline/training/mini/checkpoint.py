"""Checkpoints of mini's trainings: one file, `epoch=<epoch>-step=<step>.ckpt`, with the state of
each part of the training that has begun."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ray_pipeline.models.mini.config import VERSION
from ray_pipeline.training.checkpoints import Position, foreign_checkpoint, only_file
from ray_pipeline.weights.archive import load_archive

CHECKPOINT_PATTERN = "epoch=*-step=*.ckpt"
_NAME = re.compile(r"epoch=(\d+)-step=(\d+)")


def mini_checkpoint(parts: Sequence[dict[str, Any]], position: Position) -> dict[str, Any]:
    """The file's name and content. `parts` are the states of the parts that have begun, in
    order."""
    name = f"epoch={position.epoch}-step={position.step}.ckpt"
    return {name: {"version": VERSION, "parts": list(parts)}}


def load_mini_checkpoint(folder: Path) -> tuple[Position, list[dict[str, Any]]]:
    """Raises BadModelFile when the file is missing, damaged or of another model."""
    path = only_file(folder, CHECKPOINT_PATTERN)
    content, numbers = load_archive(path), _NAME.fullmatch(path.stem)
    if numbers is None or not isinstance(content, dict) or content.get("version") != VERSION:
        raise foreign_checkpoint(path)
    parts: list[dict[str, Any]] = content["parts"]
    return Position(int(numbers[1]), int(numbers[2])), parts
