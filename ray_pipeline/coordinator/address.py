"""Where the coordinator is found in a cluster."""

from __future__ import annotations

from typing import Any

from ray_pipeline.core.errors import Unavailable

COORDINATOR_NAME = "coordinator"
NAMESPACE = "gsv"


def find_coordinator() -> Any:
    """The handle of the running coordinator. Raises Unavailable if there is none."""
    import ray

    try:
        return ray.get_actor(COORDINATOR_NAME, namespace=NAMESPACE)
    except ValueError:
        raise Unavailable(
            "The coordinator is not running.", hint="Start the service, or wait for it to come up."
        ) from None
