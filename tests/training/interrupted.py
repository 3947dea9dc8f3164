"""Workers that die in the middle of a training, and what goes on with it."""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path

from ray_pipeline.training.worker import EpochReport, LocalWorker


class Interrupted(Exception):
    pass


class StoppingWorker(LocalWorker):
    """Dies in the middle of the second epoch, after its first report."""

    def report(self, report: EpochReport, checkpoint: Future[Path] | None) -> None:
        if len(self.reports) == 1:
            raise Interrupted
        super().report(report, checkpoint)


def resumed(worker: LocalWorker) -> LocalWorker:
    """The same worker in another process, with the checkpoints there are."""
    again = LocalWorker(worker.run_folder)
    again._checkpoints = worker._checkpoints
    return again
