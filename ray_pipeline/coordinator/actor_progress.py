"""How a step and its workers, in whatever process, report to the coordinator.

Calls are gathered for a fifth of a second and sent together; the caller waits for nothing.
What arrives after a later attempt has begun is refused there, so an old worker that still
lives changes nothing.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ray_pipeline.coordinator.address import find_coordinator
from ray_pipeline.core.errors import Unavailable
from ray_pipeline.core.task import EventKind

SEND_INTERVAL_SECONDS = 0.2
_FLUSH_TIMEOUT_SECONDS = 60.0
_MAX_PENDING = 5000


@dataclass(frozen=True, kw_only=True)
class Report:
    """One thing said by an attempt."""

    kind: EventKind
    data: dict[str, Any]
    time: datetime = field(default_factory=lambda: datetime.now(UTC))


class ActorProgress:
    """The coordinator's `Progress`. Pickles as its three names; each process has its own queue."""

    def __init__(self, task_id: str, step: str, attempt: int) -> None:
        self._who = (task_id, step, attempt)
        self._outbox = _Outbox(*self._who)

    def __reduce__(self) -> tuple[type[ActorProgress], tuple[str, str, int]]:
        return ActorProgress, self._who

    def advance(self, done: float, total: float, message: str = "") -> None:
        fraction = min(max(done / total, 0.0), 1.0) if total > 0 else 0.0
        data = {"done": done, "total": total, "fraction": fraction, "message": message}
        self._outbox.put(Report(kind=EventKind.PROGRESS, data=data))

    def metric(
        self, values: Mapping[str, float], *, epoch: int | None = None, step: int | None = None
    ) -> None:
        # JSON has no NaN; a diverged loss is reported as null, not as a broken message.
        plain = {name: _finite(value) for name, value in values.items()}
        data = {"values": plain, "epoch": epoch, "step": step}
        self._outbox.put(Report(kind=EventKind.METRIC, data=data))

    def log(self, message: str) -> None:
        self._outbox.put(Report(kind=EventKind.LOG, data={"message": message}))

    def warn(self, message: str, *, clip: str | None = None) -> None:
        data = {"message": message} | ({"clip": clip} if clip else {})
        self._outbox.put(Report(kind=EventKind.WARNING, data=data))

    def flush(self) -> None:
        """Send what is left and wait (60 s at most) until it is stored; at the end of a step."""
        self._outbox.flush()


def _finite(value: float) -> float | None:
    number = float(value)
    return number if math.isfinite(number) else None


class _Outbox:
    """One batch is under way at a time, so that reports arrive in order also when the
    coordinator restarts. A thread of its own sends; who reports never waits."""

    def __init__(self, task_id: str, step: str, attempt: int) -> None:
        self._address = (task_id, step, attempt)
        self._changed = threading.Condition()
        self._pending: list[Report] = []
        self._is_sending = False

    def put(self, report: Report) -> None:
        with self._changed:
            self._pending.append(report)
            del self._pending[:-_MAX_PENDING]
            if not self._is_sending:
                self._is_sending = True
                threading.Thread(target=self._send_all, daemon=True).start()

    def flush(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: not self._is_sending, _FLUSH_TIMEOUT_SECONDS)

    def _send_all(self) -> None:
        while batch := self._next_batch():
            if not self._send(batch):
                with self._changed:
                    self._pending[:0] = batch
            # What is said meanwhile goes together with the next batch.
            threading.Event().wait(SEND_INTERVAL_SECONDS)

    def _next_batch(self) -> list[Report]:
        with self._changed:
            batch, self._pending = _coalesced(self._pending), []
            if not batch:
                self._is_sending = False
                self._changed.notify_all()
            return batch

    def _send(self, batch: list[Report]) -> bool:
        """False if there is no coordinator to send to; one that restarts is waited for."""
        import ray

        try:
            ray.get(find_coordinator().record.remote(*self._address, batch))
        except (Unavailable, ray.exceptions.RayActorError):
            return False
        except ray.exceptions.RayTaskError:
            # It could not be stored (the task was deleted, say); the step goes on without.
            return True
        return True


def _coalesced(reports: list[Report]) -> list[Report]:
    """Of progress only the newest counts; everything else is kept in order."""
    newest = next((r for r in reversed(reports) if r.kind is EventKind.PROGRESS), None)
    return [r for r in reports if r.kind is not EventKind.PROGRESS or r is newest]
