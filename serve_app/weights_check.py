"""Whether an uploaded weight file is one that a voice can speak with; asked before it is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from ray_pipeline.core.errors import pipeline_error_in

CheckWeights = Callable[[Path], Awaitable[None]]


async def check_weights_here(path: Path) -> None:
    """In a thread of this process; for a service without a cluster, and tests. Raises
    BadModelFile."""
    from ray_pipeline.weights.kinds import require_voice_weights

    await asyncio.to_thread(require_voice_weights, path)


async def check_weights_in_cluster(path: Path) -> None:
    """In a Ray task: reading a foreign file costs memory, and the process that answers requests
    would keep torch in its own for good. Raises BadModelFile."""
    import ray
    from ray.exceptions import RayTaskError

    remote = ray.remote(_check).options(num_cpus=0, name=f"weights:{path.name}")
    try:
        await remote.remote(path)
    except RayTaskError as error:
        raise pipeline_error_in(error) or error from None


def _check(path: Path) -> None:
    from ray_pipeline.weights.kinds import require_voice_weights

    require_voice_weights(path)
