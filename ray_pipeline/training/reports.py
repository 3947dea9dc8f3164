"""What the workers report, kept beside the checkpoints and forwarded once an epoch."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from statistics import fmean
from typing import Any

from ray.train import Checkpoint, UserCallback

from ray_pipeline.core.errors import pipeline_error_in
from ray_pipeline.core.progress import Progress
from ray_pipeline.training.worker import EpochReport


@dataclass(frozen=True)
class TrainingHistory:
    """`epochs` holds a report of every epoch of the run, earlier attempts included, with the
    mean values of its workers; `clips_by_rank` the names that each worker saw."""

    epochs: list[EpochReport]
    clips_by_rank: list[list[str]]

    @property
    def last(self) -> EpochReport:
        return self.epochs[-1]


class EpochLedger:
    """One line an epoch: the reports of all ranks. Epochs that were done twice stand once."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __contains__(self, epoch: int) -> bool:
        return epoch in self._epochs

    @cached_property
    def _epochs(self) -> set[int]:
        return {reports[0].epoch for reports in self._read()}

    def add(self, reports: list[EpochReport]) -> None:
        line = json.dumps([report.as_dict() for report in reports], ensure_ascii=False)
        with self._path.open("a", encoding="utf-8") as file:
            # Begins a line of its own even after one that a crash cut short.
            file.write("\n" + line + "\n")
            file.flush()
            os.fsync(file.fileno())
        self._epochs.add(reports[0].epoch)

    def history(self) -> TrainingHistory:
        rows = sorted(self._read(), key=lambda reports: reports[0].epoch)
        num_ranks = len(rows[-1]) if rows else 0
        alike = [reports for reports in rows if len(reports) == num_ranks]
        clips = [
            sorted({name for reports in alike for name in reports[rank].clips})
            for rank in range(num_ranks)
        ]
        return TrainingHistory([_mean_of(reports) for reports in rows], clips)

    def _read(self) -> list[list[EpochReport]]:
        """A line cut short by a crash counts as not written."""
        if not self._path.exists():
            return []
        rows = []
        for line in self._path.read_text("utf-8").splitlines():
            try:
                rows.append([EpochReport.from_dict(report) for report in json.loads(line)])
            except json.JSONDecodeError:
                continue
        return rows


def _mean_of(reports: list[EpochReport]) -> EpochReport:
    """Rank 0's report with the mean values of all ranks that have one; each has seen as many
    batches. The sound that they learn from adds up."""
    means = {
        name: fmean(report.values[name] for report in reports if name in report.values)
        for name in reports[0].values
    }
    speed = {
        name: sum(report.speed.get(name, 0.0) for report in reports)
        if name.endswith("audio_seconds_per_second")
        else value
        for name, value in reports[0].speed.items()
    }
    return replace(reports[0], values=means, speed=speed)


class ForwardReports(UserCallback):
    """Lives in Ray Train's controller. Tells `progress` of an epoch when its checkpoint is
    registered, and of workers that died."""

    def __init__(self, progress: Progress, ledger: EpochLedger) -> None:
        self._progress = progress
        self._ledger = ledger

    def after_report(
        self, run_context: Any, metrics: list[dict[str, Any]], checkpoint: Checkpoint | None
    ) -> None:
        reports = [EpochReport.from_dict(each) for each in metrics]
        mean = _mean_of(reports)
        if mean.epoch in self._ledger:
            return
        self._ledger.add(reports)
        self._tell(mean)

    def tell_again(self) -> None:
        """When a run goes on: what was written down and perhaps not told when it was stopped."""
        for report in self._ledger.history().epochs:
            self._tell(report, again=True)

    def _tell(self, mean: EpochReport, *, again: bool = False) -> None:
        numbers = mean.values | mean.validation | mean.speed
        self._progress.metric(numbers, epoch=mean.epoch, step=mean.step, again=again)

    def after_exception(self, run_context: Any, worker_exceptions: dict[int, Exception]) -> None:
        """Raises what the loop itself refused: that ends the run, for trying again gives the
        same."""
        for rank, error in worker_exceptions.items():
            refusal = pipeline_error_in(error)
            if refusal is not None:
                raise refusal
            lines = str(error).strip().splitlines() or [type(error).__name__]
            self._progress.log(
                f"Training worker {rank} stopped ({lines[-1]}); "
                "it is started again from the last checkpoint."
            )
