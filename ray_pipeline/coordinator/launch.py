"""Starts the coordinator, or joins the one that runs."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import ray
from ray.exceptions import GetTimeoutError, RayActorError

from ray_pipeline.coordinator.actor import CoordinatorActor
from ray_pipeline.coordinator.address import COORDINATOR_NAME, NAMESPACE
from ray_pipeline.coordinator.settings import CoordinatorSettings
from ray_pipeline.core.errors import Unavailable


def ensure_coordinator(settings: CoordinatorSettings, *, timeout_seconds: float = 60) -> Any:
    """The handle of the running coordinator, started if there is none; waits until it answers.

    It is detached: it outlives the Serve replica that started it, not the cluster. Raises
    Unavailable with the reason if it cannot start, or if the one that runs has other settings.
    """
    handle: Any = (
        ray.remote(CoordinatorActor)
        .options(
            name=COORDINATOR_NAME,
            namespace=NAMESPACE,
            lifetime="detached",
            get_if_exists=True,
            num_cpus=0,
            max_restarts=-1,
            # Status must answer while many clients wait for events.
            max_concurrency=1000,
        )
        .remote(settings)
    )
    _wait_until_ready(handle, timeout_seconds)
    _require_same_settings(ray.get(handle.settings.remote(), timeout=timeout_seconds), settings)
    return handle


def _wait_until_ready(handle: Any, timeout_seconds: float) -> None:
    try:
        ray.get(handle.ping.remote(), timeout=timeout_seconds)
    except GetTimeoutError:
        raise Unavailable(
            f"The coordinator did not answer within {timeout_seconds:.0f} s.",
            hint="See the coordinator's log in Ray's dashboard.",
        ) from None
    except RayActorError as error:
        raise Unavailable(
            "The coordinator could not start.", hint=str(error).strip().splitlines()[-1]
        ) from error


def _require_same_settings(running: CoordinatorSettings, wanted: CoordinatorSettings) -> None:
    """A replica that reads another database or folder than the coordinator writes would answer
    nonsense. Deploying changed settings to a living cluster leads here."""
    names = [item.name for item in fields(wanted)]
    other = [name for name in names if getattr(running, name) != getattr(wanted, name)]
    if other:
        raise Unavailable(
            f"A coordinator with another {', '.join(other)} runs in this cluster.",
            hint="Stop the service and its cluster, and start it with the new settings.",
        )
