"""The exports of a running training and their table: what is kept of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ray_pipeline.core.selection import Checkpoint, to_drop
from ray_pipeline.core.training_table import TrainingTable, drop_after, with_dropped
from ray_pipeline.training.checkpoints import Position
from ray_pipeline.training.settings import TrainingSettings


class Exports:
    """Those of one run, in `settings.weights_folder`. What was exported after `resumed` is done
    again."""

    def __init__(self, settings: TrainingSettings, run: str, resumed: Position) -> None:
        self._settings = settings
        self._folder = settings.weights_folder
        self._resumed = resumed
        self._table = TrainingTable(
            step=settings.step,
            run=run,
            inputs=settings.inputs,
            held_out=tuple(sorted({item.name for item in settings.held_out})),
            shown_in=settings.shown_weights,
            pattern=settings.export_pattern,
        )
        known = TrainingTable.load(self._folder) if resumed.epoch else None
        if known is not None:
            rows = drop_after(known.checkpoints, resumed.epoch)
            self._table = replace(self._table, checkpoints=rows)

    def add(
        self, path: Path, position: Position, validation: Mapping[str, float], *, candidate: bool
    ) -> None:
        """`path` was just written. Deletes what is too much."""
        new = Checkpoint(
            epoch=position.epoch,
            step=position.step,
            file=path.name,
            size=path.stat().st_size,
            candidate=candidate,
            validation=dict(validation),
        )
        earlier = drop_after(self._table.checkpoints, position.epoch - 1)
        table = replace(self._table, checkpoints=(*earlier, new))
        settings = self._settings
        dropped = to_drop(
            table.checkpoints, most_bytes=settings.keep_bytes, most=settings.keep_exports
        )
        self._table = with_dropped(table, dropped)
        # The table first: it may name a file as deleted that is there, and never the reverse.
        self._table.save(self._folder)
        for checkpoint in dropped:
            remove_files(self._folder, checkpoint)

    def finish(self) -> None:
        self._table = replace(self._table, finished=True)
        self._table.save(self._folder)


def remove_files(folder: Path, checkpoint: Checkpoint) -> None:
    """The weights and what was said with them."""
    samples = [name for sample in checkpoint.samples for name in (sample.file, sample.picture)]
    for name in (checkpoint.file, *samples):
        (folder / name).unlink(missing_ok=True)
