"""Clips through a pool of actors by Ray Data, results as they are finished.

    clips ── from_items ──> blocks of a few ── map_batches(worker) ──> results

Files are written by the workers; only facts travel back. Nothing is kept in memory.
"""

from __future__ import annotations

import itertools
import logging
import math
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict

from ray_pipeline.clips.worker import Clip, ClipResult, ClipWorker, Extractor, results_of
from ray_pipeline.core.progress import Progress
from ray_pipeline.core.resources import WorkerPlan

_CLIPS_PER_BLOCK = 8
_SILENT_SECONDS = 60.0
_RESTARTS = 3


def extract(
    clips: Sequence[Clip],
    build: Callable[[str], Extractor],
    *,
    plan: WorkerPlan,
    name: str,
    progress: Progress,
) -> Iterator[ClipResult]:
    """One result a clip, in the order in which they are finished.

    `build(device)` loads the extractor, once in each of the plan's workers; `name` stands in
    the dashboard. May be called in any process connected to Ray, also in an actor that holds
    no CPU.
    """
    if not clips:
        return
    import ray
    from ray.data import ActorPoolStrategy

    _be_quiet()
    dataset = ray.data.from_items(
        [asdict(clip) for clip in clips],
        override_num_blocks=num_blocks(len(clips), plan.num_workers),
    ).map_batches(
        ClipWorker,
        batch_size=None,
        compute=ActorPoolStrategy(size=plan.num_workers),
        fn_constructor_kwargs={
            "build": build,
            "device": "cuda" if plan.use_gpu else "cpu",
            "num_threads": max(1, math.floor(plan.cpus_per_worker)),
        },
        ray_remote_args_fn=_named(name),
        num_cpus=plan.cpus_per_worker,
        num_gpus=plan.gpus_per_worker or None,
        max_restarts=_RESTARTS,
        max_task_retries=_RESTARTS,
    )
    dataset.set_name(name)
    with _waiting_said(progress, plan) as started:
        for batch in dataset.iter_batches(batch_size=None, prefetch_batches=0):
            started.set()
            yield from results_of(batch)


def num_blocks(num_clips: int, num_workers: int) -> int:
    """Small enough blocks that progress moves and every worker gets its share."""
    for_progress = math.ceil(num_clips / _CLIPS_PER_BLOCK)
    return min(num_clips, max(for_progress, 2 * num_workers))


def _named(name: str) -> Callable[[], dict[str, str]]:
    """Names for the pool's actors; a name may exist once in a cluster."""
    numbers, run = itertools.count(), uuid.uuid4().hex[:6]
    return lambda: {"name": f"{name}:{next(numbers)}-{run}"}


class _waiting_said:
    """While nothing has come back for a minute, say so: Ray waits for resources in silence."""

    def __init__(self, progress: Progress, plan: WorkerPlan) -> None:
        self._arrived = threading.Event()
        text = (
            f"No result after {_SILENT_SECONDS:.0f} s: {plan.num_workers} workers with "
            f"{plan.cpus_per_worker:g} CPUs and {plan.gpus_per_worker:g} GPUs each are starting "
            "or wait until other tasks leave the cluster room."
        )
        self._timer = threading.Timer(_SILENT_SECONDS, self._say, (progress, text))
        self._timer.daemon = True

    def _say(self, progress: Progress, text: str) -> None:
        if not self._arrived.is_set():
            progress.log(text)

    def __enter__(self) -> threading.Event:
        self._timer.start()
        return self._arrived

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()


def _be_quiet() -> None:
    """Ray Data draws bars and logs its plans; the task's own events say what matters."""
    from ray.data import DataContext

    context = DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    logging.getLogger("ray.data").setLevel(logging.WARNING)
