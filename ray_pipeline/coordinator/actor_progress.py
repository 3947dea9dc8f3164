"""How a step and its workers, in whatever process, report to the coordinator.

The caller waits for nothing (`outbox.py`). What arrives after a later attempt has begun is refused
there, so an old worker that still lives changes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

from ray_pipeline.coordinator.address import find_coordinator
from ray_pipeline.coordinator.outbox import Outbox, Report
from ray_pipeline.core.errors import StorageFull, Unavailable, pipeline_error_in
from ray_pipeline.core.stop_points import pass_by
from ray_pipeline.core.task import EventKind


class ActorProgress:
    """The coordinator's `Progress`. Pickles as what it was made of; each process has its own
    outbox. `scratch` is the task's folder for what is needed only while a step runs."""

    def __init__(self, task_id: str, step: str, attempt: int, scratch: Path) -> None:
        self._made_of = (task_id, step, attempt, scratch)
        self._outbox = Outbox(self._send, scratch / "reports", f"{step}-{attempt}")

    def __reduce__(self) -> tuple[type[ActorProgress], tuple[str, str, int, Path]]:
        return ActorProgress, self._made_of

    def advance(self, done: float, total: float, message: str = "") -> None:
        fraction = min(max(done / total, 0.0), 1.0) if total > 0 else 0.0
        data = {"done": done, "total": total, "fraction": fraction, "message": message}
        self._outbox.put(Report(kind=EventKind.PROGRESS, data=data))
        if 0.5 <= fraction < 1.0:
            pass_by("half", self._made_of[1])

    def metric(
        self,
        values: Mapping[str, float],
        *,
        epoch: int | None = None,
        step: int | None = None,
        again: bool = False,
    ) -> None:
        # JSON has no NaN; a diverged loss is reported as null, not as a broken message.
        plain = {name: _finite(value) for name, value in values.items()}
        data = {"values": plain, "epoch": epoch, "step": step}
        self._outbox.put(Report(kind=EventKind.METRIC, data=data, again=again))

    def log(self, message: str) -> None:
        self._outbox.put(Report(kind=EventKind.LOG, data={"message": message}))

    def warn(self, message: str, *, clip: str | None = None) -> None:
        data = {"message": message} | ({"clip": clip} if clip else {})
        self._outbox.put(Report(kind=EventKind.WARNING, data=data))

    def flush(self) -> None:
        """Send what is left and wait until it is stored; at the end of a step."""
        self._outbox.flush()

    def _send(self, batch: list[Report]) -> bool:
        """False if nobody can store it now."""
        import ray

        task_id, step, attempt, _ = self._made_of
        try:
            ray.get(find_coordinator().record.remote(task_id, step, attempt, batch))
        except (Unavailable, ray.exceptions.RayActorError):
            return False
        except ray.exceptions.RayTaskError as error:
            # Else it never can be (the task was deleted, say); the step goes on without.
            return not isinstance(pipeline_error_in(error), Unavailable | StorageFull)
        return True


def _finite(value: float) -> float | None:
    number = float(value)
    return number if math.isfinite(number) else None
