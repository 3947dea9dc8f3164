"""Checkpoints are written beside the loop: it waits only until their tensors are copied.

One thread of the first worker writes one checkpoint after the other, and there is never more than
one copy. What goes wrong there is raised in the loop, at its next batch. A process that is killed
meanwhile leaves the checkpoint before, whole, and this one unsealed or sealed: `resuming.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
from torch import Tensor

from ray_pipeline.training.checkpoints import folder_of_epoch, link_checkpoints
from ray_pipeline.training.resuming import (
    publish,
    remove_inside,
    unfinished_folder,
    write_checkpoint,
)
from ray_pipeline.training.settings import TrainingSettings

Files = Mapping[str, Any]  # the names of a checkpoint's archives, and what each holds

# So much memory has to be free for a copy, in its own size: the training itself needs some, too.
_ROOM = 2


class CheckpointWriter:
    """Of the first worker. Each checkpoint replaces the ones before as `resuming.py` says."""

    def __init__(
        self,
        settings: TrainingSettings,
        run_folder: Path,
        num_workers: int,
        *,
        free_bytes: Callable[[], int] = lambda: int(psutil.virtual_memory().available),
    ) -> None:
        self._settings = settings
        self._run_folder = run_folder
        self._num_workers = num_workers
        self._free_bytes = free_bytes
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="checkpoint")
        self._pending: list[Future[Path]] = []

    def inside(self, files: Files, *, epoch: int, step: int) -> None:
        """One in the middle of an epoch, after so many steps of the training."""

        def write(files: Files) -> Path:
            folder = unfinished_folder(self._run_folder)
            write_checkpoint(folder, files, epoch=epoch, num_workers=self._num_workers)
            return publish(folder, step)

        self._submit(write, files)

    def of_epoch(self, files: Files, epoch: int) -> Future[Path]:
        """The folder, when all of it is on the disk."""

        def write(files: Files) -> Path:
            folder = folder_of_epoch(self._run_folder, epoch)
            # What is left to do begins with the next epoch.
            write_checkpoint(folder, files, epoch=epoch + 1, num_workers=self._num_workers)
            return folder

        return self._submit(write, files)

    def tidy(self) -> None:
        """When the checkpoint of an epoch is reported."""

        def tidy() -> Path:
            remove_inside(self._run_folder)
            self.link()
            return self._run_folder

        self._pending.append(self._thread.submit(tidy))

    def link(self) -> None:
        settings = self._settings
        link_checkpoints(self._run_folder, settings.checkpoint_links, settings.checkpoint_patterns)

    def check(self) -> None:
        """Raises what a write that is over has raised."""
        while self._pending and self._pending[0].done():
            self._pending.pop(0).result()

    def wait(self) -> None:
        """Until all is written, and everybody who asked was told. Raises likewise."""
        self._thread.submit(lambda: None).result()
        self.check()

    def close(self) -> None:
        self._thread.shutdown()

    def _submit(self, write: Callable[[Files], Path], files: Files) -> Future[Path]:
        self.wait()
        has_room = self._free_bytes() >= _ROOM * _size_of(files)
        written = self._thread.submit(write, copied(files) if has_room else files)
        self._pending.append(written)
        if not has_room:
            self.wait()
        return written


def copied(value: Any) -> Any:
    """Containers and tensors anew, these on the CPU; tensors that share memory are one again."""
    return _copied(value, {})


def _copied(value: Any, known: dict[tuple[Any, ...], Tensor]) -> Any:
    if isinstance(value, Tensor):
        key = (value.data_ptr(), value.device, value.dtype, value.shape, value.stride())
        if key not in known:
            known[key] = value.detach().to("cpu", copy=True)
        return known[key]
    if isinstance(value, Mapping):
        return {name: _copied(each, known) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_copied(each, known) for each in value)
    return value


def _size_of(value: Any) -> int:
    if isinstance(value, Tensor):
        return value.nbytes
    if isinstance(value, Mapping):
        return sum(map(_size_of, value.values()))
    return sum(map(_size_of, value)) if isinstance(value, list | tuple) else 0
