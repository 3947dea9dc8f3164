"""Clips through a pool of actors by Ray Data, each with a model that it loads once.

    clips ── from_items ──> blocks of a few ── map_batches(worker) ──> results

Files are written by the workers; only facts travel back. Nothing is kept in memory.
"""

from __future__ import annotations

import itertools
import logging
import math
import pickle
import sys
import uuid
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ray_pipeline.clips.work import Clip, ClipFunction, ClipResult, attempt_each, failed
from ray_pipeline.core.errors import PipelineError
from ray_pipeline.core.resources import WorkerPlan

_CLIPS_PER_BLOCK = 8
_RESTARTS = 3

Batch = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class RayDataPool:
    """`build(device)` loads the function, once in each of the plan's workers."""

    build: Callable[[str], ClipFunction]
    plan: WorkerPlan

    def results(self, clips: Sequence[Clip], name: str) -> Generator[ClipResult]:
        if not clips:
            return
        import ray
        from ray.data import ActorPoolStrategy

        _be_quiet()
        num_workers = min(self.plan.num_workers, len(clips))
        dataset = ray.data.from_items(
            [asdict(clip) for clip in clips],
            override_num_blocks=num_blocks(len(clips), num_workers),
        ).map_batches(
            ClipWorker,
            batch_size=None,
            compute=ActorPoolStrategy(size=num_workers),
            fn_constructor_kwargs={
                "build": self.build,
                "device": "cuda" if self.plan.use_gpu else "cpu",
                "num_threads": max(1, math.floor(self.plan.cpus_per_worker)),
            },
            ray_remote_args_fn=_named(name),
            num_cpus=self.plan.cpus_per_worker,
            num_gpus=self.plan.gpus_per_worker or None,
            max_restarts=_RESTARTS,
            max_task_retries=_RESTARTS,
        )
        dataset.set_name(name)
        # Left to the collector of garbage, it would ask a cluster that may be gone by then.
        batches = iter(dataset.iter_batches(batch_size=None, prefetch_batches=0))
        with closing(cast(Generator[Batch], batches)) as each:
            for batch in each:
                yield from results_of(batch)


class ClipWorker:
    """Lives in a Ray Data actor: one function, loaded once, and a batch of clips at a time.

    `build(device)` loads it; `num_threads` is what it may use of the CPUs.
    """

    def __init__(self, build: Callable[[str], ClipFunction], device: str, num_threads: int) -> None:
        self._function: ClipFunction | PipelineError
        try:
            self._function = build(device)
        except PipelineError as error:
            # Raised here, it would reach the step as a dead actor without a reason.
            self._function = error
        # Reading text takes no torch, and importing it costs a second or two.
        if "torch" in sys.modules:
            import torch

            torch.set_num_threads(num_threads)

    def __call__(self, batch: Mapping[str, NDArray[Any]]) -> Batch:
        results = self.attempt_each(clips_of(batch))
        packed = np.empty(len(results), dtype=object)
        packed[:] = [pickle.dumps(result) for result in results]
        return {"result": packed}

    def attempt_each(self, clips: Sequence[Clip]) -> list[ClipResult]:
        if isinstance(self._function, PipelineError):
            return [failed(clip, self._function) for clip in clips]
        return attempt_each(self._function, clips)


def clips_of(batch: Mapping[str, NDArray[Any]]) -> list[Clip]:
    """The rows of a Ray Data batch, a column a field."""
    rows = zip(*(values.tolist() for values in batch.values()), strict=True)
    return [Clip(**dict(zip(batch, row, strict=True))) for row in rows]


def results_of(batch: Mapping[str, NDArray[Any]]) -> list[ClipResult]:
    return [pickle.loads(packed) for packed in batch["result"].tolist()]


def num_blocks(num_clips: int, num_workers: int) -> int:
    """Small enough blocks that progress moves and every worker gets its share."""
    for_progress = math.ceil(num_clips / _CLIPS_PER_BLOCK)
    return min(num_clips, max(for_progress, 2 * num_workers))


def _named(name: str) -> Callable[[], dict[str, str]]:
    """Names for the pool's actors; a name may exist once in a cluster."""
    numbers, run = itertools.count(), uuid.uuid4().hex[:6]
    return lambda: {"name": f"{name}:{next(numbers)}-{run}"}


def _be_quiet() -> None:
    """Ray Data draws bars and logs its plans; the task's own events say what matters."""
    from ray.data import DataContext

    context = DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    logging.getLogger("ray.data").setLevel(logging.WARNING)
