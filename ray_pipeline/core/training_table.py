"""The table of one training: its checkpoints, and what it learned from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self

from ray_pipeline.core.selection import Checkpoint, Choice, Sample, choose_checkpoint
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.workspace import atomic_write

TABLE = "checkpoints.json"


@dataclass(frozen=True, kw_only=True)
class TrainingTable:
    """`inputs` is a fingerprint of the features: two trainings that have it in common belong
    together. `shown_in` is the folder of published exports, relative to the task, and `pattern`
    matches their names there."""

    step: StepName
    run: str
    inputs: str
    held_out: tuple[str, ...] = ()
    shown_in: str
    pattern: str
    finished: bool = False
    checkpoints: tuple[Checkpoint, ...] = ()

    @classmethod
    def load(cls, folder: Path) -> Self | None:
        """None where there is none, or one that cannot be read."""
        try:
            known: dict[str, Any] = json.loads((folder / TABLE).read_text("utf-8"))
            rows = tuple(_checkpoint(row) for row in known["checkpoints"])
            step, held_out = StepName(known["step"]), tuple(known["held_out"])
            return cls(**{**known, "step": step, "held_out": held_out, "checkpoints": rows})
        except (FileNotFoundError, json.JSONDecodeError, TypeError, KeyError, ValueError):
            return None

    def save(self, folder: Path) -> None:
        atomic_write(folder / TABLE, json.dumps(asdict(self), ensure_ascii=False), durable=True)

    @property
    def choice(self) -> Choice | None:
        return choose_checkpoint(self.checkpoints)


def drop_after(checkpoints: Sequence[Checkpoint], epoch: int) -> tuple[Checkpoint, ...]:
    """Those up to an epoch: what came after it is done again."""
    return tuple(checkpoint for checkpoint in checkpoints if checkpoint.epoch <= epoch)


def with_dropped(table: TrainingTable, dropped: Sequence[Checkpoint]) -> TrainingTable:
    """The table after these files were deleted."""
    gone = {checkpoint.file for checkpoint in dropped}
    rows = (replace(c, kept=c.kept and c.file not in gone) for c in table.checkpoints)
    return replace(table, checkpoints=tuple(rows))


def with_changed(table: TrainingTable, changed: Checkpoint) -> TrainingTable:
    """The table with another row for a file of it."""
    rows = (changed if c.file == changed.file else c for c in table.checkpoints)
    return replace(table, checkpoints=tuple(rows))


def _checkpoint(row: dict[str, Any]) -> Checkpoint:
    return Checkpoint(**row | {"samples": tuple(Sample(**each) for each in row.get("samples", ()))})
