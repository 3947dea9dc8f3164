"""How the rest of the program finds the coordinator."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from ray_pipeline.core.errors import Unavailable
from ray_pipeline.core.workspace import tasks_folder

COORDINATOR_NAME = "coordinator"
NAMESPACE = "gsv"


@dataclass(frozen=True, kw_only=True)
class CoordinatorSettings:
    """`data_dir` and `models_dir` are absolute and seen by every node under the same path.

    `database_url` is SQLAlchemy's: `sqlite:////data/gsv.sqlite3` or
    `postgresql+psycopg://user@host/name`. `steps` names the table of steps.
    `max_jobs` is how many tasks may be under way at once (0: twice the cluster's CPUs).
    """

    data_dir: Path
    models_dir: Path
    database_url: str
    steps: str = "ray_pipeline.pipeline:STEPS"
    max_jobs: int = 0

    @property
    def tasks_dir(self) -> Path:
        return tasks_folder(self.data_dir)


def ensure_coordinator(settings: CoordinatorSettings, *, timeout_seconds: float = 60) -> Any:
    """The handle of the running coordinator, started if there is none; waits until it answers.

    It is detached: it outlives the Serve replica that started it, not the cluster. Raises
    Unavailable with the reason if it cannot start, or if the one that runs has other settings.
    """
    import ray

    from ray_pipeline.coordinator.actor import Coordinator

    handle: Any = (
        ray.remote(Coordinator)
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


def find_coordinator() -> Any:
    """The handle of the running coordinator. Raises Unavailable if there is none."""
    import ray

    try:
        return ray.get_actor(COORDINATOR_NAME, namespace=NAMESPACE)
    except ValueError:
        raise Unavailable(
            "The coordinator is not running.", hint="Start the service, or wait for it to come up."
        ) from None


def _wait_until_ready(handle: Any, timeout_seconds: float) -> None:
    import ray
    from ray.exceptions import GetTimeoutError, RayActorError

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
