"""Clips through Ray tasks: a process for one clip, or for a few.

For work that loads nothing heavy, and for what may take its process down (decoders do).
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any

from ray_pipeline.clips.work import (
    BatchFunction,
    Clip,
    ClipFunction,
    ClipResult,
    attempt_each,
    failed,
)
from ray_pipeline.core.errors import StepFailed
from ray_pipeline.core.resources import WorkerPlan


@dataclass(frozen=True)
class RayTasks:
    """`function` answers for up to `clips_per_task` clips at once."""

    function: BatchFunction
    plan: WorkerPlan
    clips_per_task: int = 1

    @classmethod
    def one_by_one(cls, function: ClipFunction, plan: WorkerPlan) -> RayTasks:
        return cls(partial(attempt_each, function), plan)

    def results(self, clips: Sequence[Clip], name: str) -> Generator[ClipResult]:
        """A clip whose process dies is set aside; of a batch that dies, each is tried alone."""
        if not clips:
            return
        import ray

        remote = ray.remote(_answers)
        share = math.ceil(len(clips) / self.plan.num_workers)
        waiting: Iterator[Sequence[Clip]] = iter(_batches(clips, min(share, self.clips_per_task)))
        pending: dict[Any, Sequence[Clip]] = {}
        while True:
            while len(pending) < self.plan.num_workers and (batch := next(waiting, None)):
                task = remote.options(name=f"{name}:{batch[0].name}", **self.plan.ray_options())
                pending[task.remote(self.function, batch)] = batch
            if not pending:
                return
            for reference in ray.wait(list(pending), num_returns=1)[0]:
                batch = pending.pop(reference)
                try:
                    yield from ray.get(reference)
                except ray.exceptions.RayTaskError as error:
                    raise (error.cause or error) from None
                except (ray.exceptions.WorkerCrashedError, ray.exceptions.OutOfMemoryError):
                    if len(batch) == 1:
                        yield _died(batch[0])
                    else:
                        waiting = chain(_batches(batch, 1), waiting)


def _batches(clips: Sequence[Clip], size: int) -> list[list[Clip]]:
    return [list(clips[first : first + size]) for first in range(0, len(clips), size)]


def _answers(function: BatchFunction, clips: Sequence[Clip]) -> list[ClipResult]:
    """Runs in the task. What the function raises is the result of all its clips."""
    try:
        return function(clips)
    except Exception as error:
        return [failed(clip, error) for clip in clips]


def _died(clip: Clip) -> ClipResult:
    failure = StepFailed(
        f"{clip.name}: the worker process died.",
        hint="Usually memory ran out; free some, or cut the recording into shorter files.",
        clip=clip.name,
        reason="worker_died",
    )
    return ClipResult(clip.name, error=failure, is_final=False)
