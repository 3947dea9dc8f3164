"""Work that is too heavy for the process that answers requests: reading foreign weights costs
memory, and torch would stay in it for good."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ParamSpec, Protocol, TypeVar

from ray_pipeline.core.errors import pipeline_error_in

P = ParamSpec("P")
R = TypeVar("R")


class RunApart(Protocol):
    """Calls a function of some module and waits for its answer, which has to be picklable, as its
    arguments have. Expected failures come through as they were raised."""

    async def __call__(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R: ...


async def run_here(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """In a thread of this process; for a service without a cluster, and tests."""
    return await asyncio.to_thread(function, *args, **kwargs)


async def run_in_cluster(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """In a Ray task, whose process ends or is used again by others."""
    import ray
    from ray.exceptions import RayTaskError

    remote = ray.remote(function).options(num_cpus=0, name=function.__name__)
    try:
        answer: R = await remote.remote(*args, **kwargs)
    except RayTaskError as error:
        raise pipeline_error_in(error) or error from None
    return answer
