"""The real thing, small: Ray Train workers that share one training."""

import os
import signal
from dataclasses import dataclass
from pathlib import Path

import pytest

from ray_pipeline.core.errors import BadModelFile, StepFailed
from ray_pipeline.core.progress import NullProgress, RecordingProgress
from ray_pipeline.core.resources import WorkerPlan
from ray_pipeline.core.workspace import Experiment
from ray_pipeline.training.gpt.settings import GptSettings
from ray_pipeline.training.gpt.trainer import train_gpt
from ray_pipeline.training.launcher import train
from ray_pipeline.training.reports import EpochLedger, ForwardReports
from ray_pipeline.training.worker import EpochReport, TrainWorker
from tests.training.experiment import gpt_settings


@dataclass(frozen=True)
class Fragile:
    """Settings of a loop whose first attempt is killed before its second report."""

    gpt: GptSettings
    marker: Path


class DyingWorker:
    """A worker whose process is killed when it reports its second epoch, once."""

    def __init__(self, worker: TrainWorker, marker: Path) -> None:
        self.rank, self.num_workers = worker.rank, worker.num_workers
        self.device, self.run_folder = worker.device, worker.run_folder
        self.share_gradients = worker.share_gradients
        self.latest_checkpoint = worker.latest_checkpoint
        self._report, self._marker = worker.report, marker

    def report(self, report: EpochReport, checkpoint: Path | None) -> None:
        if report.epoch == 2 and self.rank == 0 and not self._marker.exists():
            self._marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        self._report(report, checkpoint)


def train_and_be_killed_once(settings: Fragile, worker: TrainWorker) -> None:
    train_gpt(settings.gpt, DyingWorker(worker, settings.marker))


def refuse(attempts: Path, worker: TrainWorker) -> None:
    with attempts.open("a") as file:
        file.write("tried\n")
    raise BadModelFile("The file is damaged.", hint="Bring another.")


@pytest.mark.slow
def test_two_workers_see_disjoint_clips_and_survive_a_kill(
    ray_cluster: None, experiment: Experiment, tmp_path: Path
) -> None:
    settings = gpt_settings(experiment, tmp_path, max_steps=9, progress=NullProgress())
    history = train(
        train_and_be_killed_once,
        Fragile(settings, tmp_path / "killed"),
        plan=WorkerPlan(2, 0.5),
        run_name="run",
        storage_path=tmp_path / "storage",
        progress=NullProgress(),
    )
    assert (tmp_path / "killed").exists()
    assert [report.epoch for report in history.epochs] == [1, 2, 3]
    first, second = (set(clips) for clips in history.clips_by_rank)
    assert first.isdisjoint(second)
    assert first | second == {item.name for item in settings.items}
    kept = sorted((tmp_path / "storage" / "run").glob("epoch_*"))
    assert [folder.name for folder in kept] == ["epoch_00002", "epoch_00003"]


@pytest.mark.slow
def test_the_loops_own_error_comes_home_at_once(ray_cluster: None, tmp_path: Path) -> None:
    attempts = tmp_path / "attempts"
    with pytest.raises(BadModelFile, match=r"The file is damaged\.") as caught:
        train(
            refuse,
            attempts,
            plan=WorkerPlan(1, 0.5),
            run_name="run",
            storage_path=tmp_path,
            progress=NullProgress(),
        )
    assert caught.value.hint == "Bring another."
    assert attempts.read_text() == "tried\n"


def _report(epoch: int, loss: float, rank: int = 0) -> dict[str, object]:
    clips = [f"clip{rank}"]
    return EpochReport(epoch, epoch * 3, {"gpt/loss": loss}, clips, 1.0).as_dict()


def test_an_epoch_that_is_done_twice_is_told_once(tmp_path: Path) -> None:
    progress = RecordingProgress()
    for _attempt in (1, 2):
        reports = ForwardReports(progress, EpochLedger(tmp_path / "epochs.jsonl"))
        reports.after_report(None, [_report(1, 2.0), _report(1, 4.0, rank=1)], None)
    reports.after_report(None, [_report(2, 1.0), _report(2, 1.0, rank=1)], None)
    assert [(m["epoch"], m["gpt/loss"]) for m in progress.metrics] == [(1, 3.0), (2, 1.0)]
    history = EpochLedger(tmp_path / "epochs.jsonl").history()
    assert [report.epoch for report in history.epochs] == [1, 2]
    assert history.clips_by_rank == [["clip0"], ["clip1"]]


def test_an_epoch_that_was_written_down_and_not_told_is_told_by_the_next_attempt(
    tmp_path: Path,
) -> None:
    """Killed in between, the first told nobody; the second has heard of one epoch."""
    ledger = EpochLedger(tmp_path / "epochs.jsonl")
    ForwardReports(NullProgress(), ledger).after_report(None, [_report(1, 2.0)], None)
    progress = RecordingProgress()
    for _attempt in (2, 3):
        ForwardReports(progress, EpochLedger(tmp_path / "epochs.jsonl")).tell_again()
    assert [(m["epoch"], m["gpt/loss"]) for m in progress.metrics] == [(1, 2.0)]


def test_a_line_that_a_crash_cut_short_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "epochs.jsonl"
    ledger = EpochLedger(path)
    ledger.add([EpochReport(1, 3, {}, [], 1.0)])
    path.write_text(path.read_text() + '[{"epoch": 2, "st')
    assert 2 not in EpochLedger(path)
    ledger.add([EpochReport(2, 6, {}, [], 1.0)])
    assert 2 in EpochLedger(path)


def test_a_stranger_among_errors_becomes_a_sentence() -> None:
    from ray_pipeline.training.launcher import _explain

    error = _explain(RuntimeError("Training failed:\nCUDA out of memory"))
    assert isinstance(error, StepFailed)
    assert "batch_size" in error.hint
