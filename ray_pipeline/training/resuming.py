"""Going on inside an epoch, and only from checkpoints that are whole.

    epoch_00003/          the end of an epoch; its family's files, and
      loop.pt             what the loop has in memory beside the networks
      checkpoint.json     the SHA-256 of the files, written last
    adopted_00007/        what was copied in from elsewhere after so many epochs (`adopting`)
    inside_00000123/      the same in the middle of an epoch, after so many steps; the newest only,
                          and only until the epoch ends

A folder inside an epoch gets its name when all of it is written. One whose files are not those of
`checkpoint.json` is passed over: the training goes on from the one before.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ray_pipeline.core.workspace import PARTIAL_PREFIX, atomic_write, sha256_of
from ray_pipeline.training.checkpoints import ADOPTED, Position, foreign_checkpoint
from ray_pipeline.training.worker import TrainWorker
from ray_pipeline.weights.archive import load_archive, save_archive

_SEAL, _LOOP = "checkpoint.json", "loop.pt"
_EPOCH, _INSIDE = "epoch_", "inside_"


@dataclass(frozen=True, kw_only=True)
class LoopState:
    """After `batches` batches of `epoch` (counted from 1). `random` is the state of torch on the
    CPU, `device_random` on the device; `trainer` and `metrics` are what these keep themselves."""

    epoch: int
    batches: int
    random: Tensor
    device_random: Tensor | None
    trainer: dict[str, Any]
    metrics: dict[str, Any]

    @classmethod
    def now(cls, worker: TrainWorker, **more: Any) -> LoopState:
        on_cuda = worker.device.type == "cuda"
        return cls(
            random=torch.get_rng_state(),
            device_random=torch.cuda.get_rng_state(worker.device) if on_cuda else None,
            **more,
        )

    def files(self) -> dict[str, Any]:
        """What is written of it: content by name."""
        return {_LOOP: dict(vars(self))}

    @classmethod
    def load(cls, folder: Path) -> LoopState | None:
        """None for a checkpoint of an older program. Raises BadModelFile."""
        path = folder / _LOOP
        if not path.is_file():
            return None
        try:
            return cls(**load_archive(path))
        except TypeError as error:
            raise foreign_checkpoint(path) from error

    def put_back_random(self, worker: TrainWorker) -> None:
        torch.set_rng_state(self.random)
        if self.device_random is not None and worker.device.type == "cuda":
            torch.cuda.set_rng_state(self.device_random, worker.device)


def write_checkpoint(
    folder: Path, files: Mapping[str, Any], *, epoch: int, num_workers: int
) -> None:
    """The archives, and last what makes them a checkpoint: their hashes. `epoch` is the one that
    is gone on with."""
    for name, content in files.items():
        save_archive(folder / name, content)
    digests = {path.name: sha256_of(path) for path in sorted(folder.iterdir())}
    known = {"epoch": epoch, "num_workers": num_workers, "files": digests}
    atomic_write(folder / _SEAL, json.dumps(known), durable=True)


def unfinished_folder(run_folder: Path) -> Path:
    """An empty folder to write a checkpoint inside an epoch into; `publish` gives it its name."""
    folder = run_folder / f"{PARTIAL_PREFIX}inside"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def publish(folder: Path, step: int) -> Path:
    """The newest takes the place of the one before."""
    target = folder.with_name(f"{_INSIDE}{step:08d}")
    shutil.rmtree(target, ignore_errors=True)
    folder.rename(target)
    for older in folder.parent.glob(f"{_INSIDE}*"):
        if older != target:
            shutil.rmtree(older, ignore_errors=True)
    return target


def has_checkpoint(run_folder: Path) -> bool:
    """Of its own."""
    return any(True for kind in (_EPOCH, _INSIDE) for _ in run_folder.glob(f"{kind}*"))


def remove_inside(run_folder: Path) -> None:
    """When the epoch is over."""
    for folder in run_folder.glob(f"{_INSIDE}*"):
        shutil.rmtree(folder, ignore_errors=True)


def checkpoint_to_go_on_from(worker: TrainWorker) -> Path | None:
    """The newest whole one: inside the epoch after the last reported one, if as many workers
    wrote it; else the last reported one, or one before it."""
    reported = worker.latest_checkpoint() or _adopted(worker.run_folder)
    done = _number(reported) if reported is not None else 0
    for folder in sorted(worker.run_folder.glob(f"{_INSIDE}*"), reverse=True):
        known = _read_seal(folder)
        fits = known and (known["epoch"], known["num_workers"]) == (done + 1, worker.num_workers)
        if fits and is_whole(folder):
            return folder
    return next(filter(is_whole, _reported_and_before(worker.run_folder, reported)), reported)


def is_whole(folder: Path) -> bool:
    """Whether the files are those that were written; of one without a seal nobody can tell."""
    known = _read_seal(folder)
    if known is None:
        return folder.is_dir()
    return all(
        (folder / name).is_file() and sha256_of(folder / name) == digest
        for name, digest in known["files"].items()
    )


def _reported_and_before(run_folder: Path, reported: Path | None) -> Iterator[Path]:
    if reported is None:
        return
    yield reported
    for folder in sorted(run_folder.glob(f"{_EPOCH}*"), reverse=True):
        if _number(folder) < _number(reported) and (folder / _SEAL).is_file():
            yield folder
    if (adopted := _adopted(run_folder)) is not None:
        yield adopted


def _adopted(run_folder: Path) -> Path | None:
    return next(run_folder.glob(f"{ADOPTED}*"), None)


def counted_here(
    folder: Path, position: Position, epoch_batches: int, worker: TrainWorker
) -> Position:
    """What was done elsewhere, or by another number of workers, in batches that a worker has here:
    `epoch_batches` an epoch. Such a checkpoint is of the end of an epoch."""
    known = _read_seal(folder)
    if known is not None and known["num_workers"] == worker.num_workers:
        return position
    if known is None and not folder.name.startswith(ADOPTED):
        return position  # of an older program
    return Position(position.epoch, position.epoch * epoch_batches)


def _read_seal(folder: Path) -> dict[str, Any] | None:
    try:
        known: dict[str, Any] = json.loads((folder / _SEAL).read_text("utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    return known


def _number(folder: Path) -> int:
    return int(folder.name.rpartition("_")[2])
