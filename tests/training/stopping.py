"""Trainings in processes of their own that are stopped in the middle of writing a file.

The processes are forked from a server that has imported torch and trained nothing, so each takes
about a second.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import signal
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from ray_pipeline.core.stop_points import VARIABLE
from ray_pipeline.core.workspace import atomic_write
from ray_pipeline.training.gpt.trainer import GptTrainer, train_gpt
from ray_pipeline.training.sovits.trainer import SovitsTrainer, train_sovits
from ray_pipeline.training.training_run import TrainingRun
from ray_pipeline.training.worker import LocalWorker

_PRELOADED = [
    "tests.training.stopping",
    "ray_pipeline.training.gpt.trainer",
    "ray_pipeline.training.sovits.trainer",
    "ray_pipeline.training.mini.trainer",
    "torch.utils.tensorboard",
]


class RememberingWorker(LocalWorker):
    """Knows after the end of its process which checkpoints were reported, as Ray Train does."""

    def __init__(self, run_folder: Path, *, then: Callable[[], None] | None = None) -> None:
        super().__init__(run_folder)
        self._record = run_folder / "reported.json"
        self._then = then  # what happens after the first report
        if self._record.is_file():
            self._checkpoints = [Path(line) for line in json.loads(self._record.read_text())]

    def _written(self, checkpoint: Future[Path]) -> None:
        super()._written(checkpoint)
        atomic_write(self._record, json.dumps([str(path) for path in self._checkpoints]))
        if self._then is not None:
            self._then()
            self._then = None


def run_until_killed(train: Callable[..., None], settings: Any, run_folder: Path, at: str) -> None:
    """Train in another process that has to die at `at`: a point and a pattern; `middle` and a
    number of bytes at which the second epoch's first larger file is cut off by the kernel; or
    `look` and a number: there the loop looks at the clock, before and after each checkpoint that
    it writes, and it writes one after each batch."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    process = context.Process(target=_train, args=(train, settings, run_folder, at))
    process.start()
    process.join(timeout=120)
    expected = signal.SIGXFSZ if at.startswith("middle ") else signal.SIGKILL
    assert process.exitcode == -expected, f"{at}: ended with {process.exitcode}"


def _train(train: Callable[..., None], settings: Any, run_folder: Path, at: str) -> None:
    import torch

    torch.set_num_threads(1)
    run_folder.mkdir(parents=True, exist_ok=True)
    point, rest = at.split(" ")
    if point == "middle":
        size = int(rest)
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # Python ignores it
        train(settings, RememberingWorker(run_folder, then=lambda: _let_no_file_grow_over(size)))
        return
    if point == "look":
        worker, looks = RememberingWorker(run_folder), count(1)

        def clock() -> float:
            look = next(looks)
            if look == int(rest):
                os.kill(os.getpid(), signal.SIGKILL)
            return look * settings.checkpoint_minutes * 61

        trainer: Any = {train_gpt: GptTrainer, train_sovits: SovitsTrainer}[train]
        TrainingRun(settings, worker, partial(trainer, settings, worker), clock=clock).run()
        return
    order = run_folder / "stop_at"
    order.write_text(at)
    os.environ[VARIABLE] = str(order)
    train(settings, RememberingWorker(run_folder))


def _let_no_file_grow_over(size: int) -> None:
    """The kernel ends the process in the very call that would write further."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
