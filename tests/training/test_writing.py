"""Checkpoints that are written while the training goes on."""

from __future__ import annotations

import threading
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from ray_pipeline.core.errors import StorageFull
from ray_pipeline.core.workspace import Experiment
from ray_pipeline.training import resuming
from ray_pipeline.training.gpt.trainer import GptTrainer, train_gpt
from ray_pipeline.training.resuming import is_whole
from ray_pipeline.training.training_run import TrainingRun
from ray_pipeline.training.worker import LocalWorker
from ray_pipeline.training.writing import CheckpointWriter, copied
from ray_pipeline.weights.archive import load_archive
from tests.training.experiment import gpt_settings


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Archives are not written before it is set."""
    gate, save = threading.Event(), resuming.save_archive

    def patient(path: Path, content: Any) -> None:
        assert gate.wait(30)
        save(path, content)

    monkeypatch.setattr(resuming, "save_archive", patient)
    return gate


def _writer(experiment: Experiment, folder: Path, *, free_bytes: int = 1 << 40) -> CheckpointWriter:
    settings = gpt_settings(experiment, folder)
    return CheckpointWriter(settings, folder / "run", 1, free_bytes=lambda: free_bytes)


def test_what_the_training_changes_meanwhile_is_not_in_the_checkpoint(
    experiment: Experiment, tmp_path: Path, gate: threading.Event
) -> None:
    writer = _writer(experiment, tmp_path)
    weights = torch.ones(3)
    written = writer.of_epoch({"a.ckpt": {"weights": weights, "same": weights}}, 1)
    weights.zero_()
    assert not written.done()
    gate.set()
    writer.wait()
    writer.close()
    assert is_whole(written.result())
    content = load_archive(written.result() / "a.ckpt")
    assert torch.equal(content["weights"], torch.ones(3))


def test_a_training_goes_on_while_its_checkpoint_is_written_and_reports_it_when_it_is_whole(
    experiment: Experiment, tmp_path: Path, gate: threading.Event
) -> None:
    settings = replace(gpt_settings(experiment, tmp_path), max_steps=6)
    seen: list[tuple[int, int]] = []  # steps done, checkpoints that a restart would know

    class Watching(GptTrainer):
        def learn(self, batch: Any, iteration: Any) -> Any:
            seen.append((iteration.number, len(worker._checkpoints)))
            if iteration.number == 5:
                gate.set()
            return super().learn(batch, iteration)

    worker = LocalWorker(tmp_path / "run")
    TrainingRun(settings, worker, partial(Watching, settings, worker)).run()
    assert seen[3:] == [(3, 0), (4, 0), (5, 0)]
    assert [folder.name for folder in worker._checkpoints] == ["epoch_00001", "epoch_00002"]


def test_without_memory_for_a_copy_the_loop_waits_until_it_is_written(
    experiment: Experiment, tmp_path: Path, gate: threading.Event
) -> None:
    writer = _writer(experiment, tmp_path, free_bytes=10)
    threading.Timer(0.05, gate.set).start()
    written = writer.of_epoch({"a.ckpt": {"weights": torch.ones(3)}}, 1)
    assert written.done()
    writer.close()


def test_a_write_that_fails_ends_the_training_with_its_reason(
    experiment: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, content: Any) -> None:
        raise StorageFull.said()

    monkeypatch.setattr(resuming, "save_archive", full)
    worker = LocalWorker(tmp_path / "run")
    with pytest.raises(StorageFull):
        train_gpt(gpt_settings(experiment, tmp_path), worker)
    assert worker.latest_checkpoint() is None


def test_tensors_that_share_memory_are_copied_once() -> None:
    weights = torch.arange(6.0).view(2, 3)
    copy = copied({"a": weights, "b": [weights, (weights.t(), 3, "x")]})
    assert copy["a"] is copy["b"][0]
    assert copy["a"] is not weights
    assert torch.equal(copy["b"][1][0], weights.t())
    assert copy["b"][1][1:] == (3, "x")
