"""What a train loop needs of the process it runs in, with or without Ray."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn


@dataclass(frozen=True)
class EpochReport:
    """What one worker says of one epoch, counted from 1. `values` are means over its batches,
    `clips` the names it saw. The first worker adds `validation`, how the epoch's weights do on
    the held-out clips, and with the last epoch `evaluation`."""

    epoch: int
    step: int
    values: dict[str, float]
    clips: list[str]
    seconds: float
    evaluation: dict[str, float] = field(default_factory=dict)
    validation: dict[str, float] = field(default_factory=dict)

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

    def report(self, report: EpochReport, checkpoint: Path | None) -> None:
        """`checkpoint` is given by rank 0 alone: a complete folder below `run_folder`."""


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

    def report(self, report: EpochReport, checkpoint: Path | None) -> None:
        self.reports.append(report)
        if checkpoint is not None:
            self._checkpoints.append(checkpoint)


class RayWorker:
    """A worker of a Ray Train run. Only made inside of one."""

    def __init__(self, run_folder: Path) -> None:
        import ray.train.torch

        context = ray.train.get_context()
        self.rank: int = context.get_world_rank()
        self.num_workers: int = context.get_world_size()
        self.device: torch.device = ray.train.torch.get_device()
        self.run_folder = run_folder

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

        checkpoint = ray.train.get_checkpoint()
        return None if checkpoint is None else Path(checkpoint.path)

    def report(self, report: EpochReport, checkpoint: Path | None) -> None:
        import ray.train
        from ray.train import CheckpointUploadMode

        ray.train.report(
            report.as_dict(),
            checkpoint=None
            if checkpoint is None
            else ray.train.Checkpoint.from_directory(str(checkpoint)),
            # It lies in the run's storage already: nothing large is written twice.
            checkpoint_upload_mode=CheckpointUploadMode.NO_UPLOAD,
        )


def epoch_seed(seed: int, epoch: int, rank: int) -> int:
    """The seed of all that is drawn in an epoch, so that an epoch that is done again after an
    interruption repeats itself."""
    return (seed * 1_000_003 + epoch * 1009 + rank) % 2**31
