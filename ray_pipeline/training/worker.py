"""What a train loop needs of the process it runs in, with or without Ray."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn


@dataclass(frozen=True)
class EpochReport:
    """What one worker says of one epoch, counted from 1. `values` are means over its batches,
    `clips` the names it saw. The first worker adds `validation`, how the epoch's weights do on
    the held-out clips, and with the last epoch `evaluation`. `speed` is what was measured of the
    machine: rates, waiting, memory, what is left."""

    epoch: int
    step: int
    values: dict[str, float]
    clips: list[str]
    seconds: float
    evaluation: dict[str, float] = field(default_factory=dict)
    validation: dict[str, float] = field(default_factory=dict)
    speed: dict[str, float] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> EpochReport:
        return cls(**data)


class TrainWorker(Protocol):
    """One of `num_workers` processes that train one model together.

    `run_folder` is the same for all workers and all attempts of a run; checkpoints are folders
    in it. Every worker reports every epoch: `report` waits for the others.
    """

    rank: int
    num_workers: int
    device: torch.device
    run_folder: Path

    def share_gradients(self, module: nn.Module) -> nn.Module:
        """The module on the device, wrapped so that backward averages over the workers."""

    def latest_checkpoint(self) -> Path | None:
        """Where an interrupted run left off."""

    def report(self, report: EpochReport, checkpoint: Future[Path] | None) -> None:
        """`checkpoint` is given by rank 0 alone: a folder below `run_folder`, when it is whole.
        Only then is the report told, and the checkpoint the latest."""


class LocalWorker:
    """The only worker, in this process: for tests and for training without Ray."""

    def __init__(self, run_folder: Path) -> None:
        self.rank = 0
        self.num_workers = 1
        self.device = torch.device("cpu")
        self.run_folder = run_folder
        self.reports: list[EpochReport] = []
        self._checkpoints: list[Path] = []

    def share_gradients(self, module: nn.Module) -> nn.Module:
        return module.to(self.device)

    def latest_checkpoint(self) -> Path | None:
        return self._checkpoints[-1] if self._checkpoints else None

    def report(self, report: EpochReport, checkpoint: Future[Path] | None) -> None:
        self.reports.append(report)
        if checkpoint is not None:
            checkpoint.add_done_callback(self._written)

    def _written(self, checkpoint: Future[Path]) -> None:
        if checkpoint.exception() is None:
            self._checkpoints.append(checkpoint.result())


class RayWorker:
    """A worker of a Ray Train run. Only made inside of one."""

    def __init__(self, run_folder: Path) -> None:
        import ray.train.torch

        context = ray.train.get_context()
        self.rank: int = context.get_world_rank()
        self.num_workers: int = context.get_world_size()
        self.device: torch.device = ray.train.torch.get_device()
        self.run_folder = run_folder
        self._latest: Path | None = None

    def share_gradients(self, module: nn.Module) -> nn.Module:
        import ray.train.torch

        # Buffers are the frozen codebook: nothing to keep in step. (torch wants another name
        # for this switch soon, which its present versions do not all know.)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            wrapped: nn.Module = ray.train.torch.prepare_model(
                module, parallel_strategy_kwargs={"broadcast_buffers": False}
            )
        return wrapped

    def latest_checkpoint(self) -> Path | None:
        import ray.train

        if self._latest is not None:
            return self._latest
        checkpoint = ray.train.get_checkpoint()
        return None if checkpoint is None else Path(checkpoint.path)

    def report(self, report: EpochReport, checkpoint: Future[Path] | None) -> None:
        import ray.train
        from ray.train import Checkpoint, CheckpointUploadMode

        if checkpoint is None:
            ray.train.report(report.as_dict())
            return
        written = checkpoint

        def wait(_: Checkpoint, name: str) -> Checkpoint:
            return Checkpoint.from_directory(str(written.result()))

        # "Uploading" is waiting, in a thread of Ray Train's, until it is whole: it lies in the
        # run's storage already, and nothing large is written twice.
        ray.train.report(
            report.as_dict(),
            checkpoint=Checkpoint.from_directory(str(self.run_folder)),
            checkpoint_upload_mode=CheckpointUploadMode.ASYNC,
            checkpoint_upload_fn=wait,
            delete_local_checkpoint_after_upload=False,
        )
        written.add_done_callback(self._remember)

    def _remember(self, written: Future[Path]) -> None:
        if written.exception() is None:
            self._latest = written.result()


def epoch_seed(seed: int, epoch: int, rank: int) -> int:
    """The seed of all that is drawn in an epoch, so that an epoch that is done again after an
    interruption repeats itself."""
    return (seed * 1_000_003 + epoch * 1009 + rank) % 2**31
