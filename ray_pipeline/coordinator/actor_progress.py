"""How a step and its workers, in whatever process, report to the coordinator.

Calls are gathered for a fifth of a second and sent together, without waiting for an answer.
What arrives after a later attempt has begun is refused there, so an old worker that still
lives changes nothing.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ray_pipeline.coordinator.handle import find_coordinator
from ray_pipeline.errors import Unavailable
from ray_pipeline.task import EventKind

SEND_INTERVAL_SECONDS = 0.2
_FLUSH_TIMEOUT_SECONDS = 10.0
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
        """Send what is left and wait (10 s at most) until it is stored; at the end of a step."""
        self._outbox.flush()


def _finite(value: float) -> float | None:
    number = float(value)
    return number if math.isfinite(number) else None


class _Outbox:
    """Thread-safe. The first report after a pause leaves at once, those that follow together."""

    def __init__(self, task_id: str, step: str, attempt: int) -> None:
        self._address = (task_id, step, attempt)
        self._lock = threading.Lock()
        self._pending: list[Report] = []
        self._sent: list[Any] = []
        self._last_sent = 0.0
        self._timer: threading.Timer | None = None

    def put(self, report: Report) -> None:
        with self._lock:
            self._pending.append(report)
            del self._pending[:-_MAX_PENDING]
            wait = self._last_sent + SEND_INTERVAL_SECONDS - time.monotonic()
            if wait <= 0:
                self._send()
            elif self._timer is None:
                self._timer = threading.Timer(wait, self._send_later)
                self._timer.daemon = True
                self._timer.start()

    def flush(self) -> None:
        import ray

        with self._lock:
            self._send()
            sent, self._sent = self._sent, []
        ray.wait(sent, num_returns=len(sent), timeout=_FLUSH_TIMEOUT_SECONDS) if sent else None

    def _send_later(self) -> None:
        with self._lock:
            self._timer = None
            self._send()

    def _send(self) -> None:
        if not self._pending:
            return
        try:
            coordinator = find_coordinator()
        except Unavailable:
            return  # kept; the next report tries again
        batch, self._pending = _coalesced(self._pending), []
        self._sent = [*self._sent[-20:], coordinator.record.remote(*self._address, batch)]
        self._last_sent = time.monotonic()


def _coalesced(reports: list[Report]) -> list[Report]:
    """Of progress only the newest counts; everything else is kept in order."""
    newest = next((r for r in reversed(reports) if r.kind is EventKind.PROGRESS), None)
    return [r for r in reports if r.kind is not EventKind.PROGRESS or r is newest]
