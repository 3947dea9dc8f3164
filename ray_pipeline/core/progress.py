"""How a step tells the world what it is doing.

Steps and their workers see only the protocol. The coordinator's implementation sends the
calls to the database from any process of the cluster; the two here need nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class Progress(Protocol):
    """Cheap to call and picklable: workers in other processes get a copy."""

    def advance(self, done: float, total: float, message: str = "") -> None:
        """`done` of `total` units of the step are finished; `message` says which came last."""

    def metric(
        self,
        values: Mapping[str, float],
        *,
        epoch: int | None = None,
        step: int | None = None,
        again: bool = False,
    ) -> None:
        """Numbers of a training, named like `sovits/loss_mel`. `again`: an earlier attempt at the
        step may have told just these; only if it has not they are told."""

    def log(self, message: str) -> None:
        """A line for the task's log."""

    def warn(self, message: str, *, clip: str | None = None) -> None:
        """Something the user should know although the step goes on."""


class NullProgress:
    """Tells nobody."""

    def advance(self, done: float, total: float, message: str = "") -> None: ...

    def metric(
        self,
        values: Mapping[str, float],
        *,
        epoch: int | None = None,
        step: int | None = None,
        again: bool = False,
    ) -> None: ...

    def log(self, message: str) -> None: ...

    def warn(self, message: str, *, clip: str | None = None) -> None: ...


@dataclass
class RecordingProgress:
    """Keeps what it is told, in its own process; for tests and for use as a library."""

    advances: list[tuple[float, float, str]] = field(default_factory=list)
    metrics: list[dict[str, Any]] = field(default_factory=list)
    logs: list[str] = field(default_factory=list)
    warnings: list[tuple[str | None, str]] = field(default_factory=list)

    def advance(self, done: float, total: float, message: str = "") -> None:
        self.advances.append((done, total, message))

    def metric(
        self,
        values: Mapping[str, float],
        *,
        epoch: int | None = None,
        step: int | None = None,
        again: bool = False,
    ) -> None:
        told = {**values, "epoch": epoch, "step": step}
        if not (again and told in self.metrics):
            self.metrics.append(told)

    def log(self, message: str) -> None:
        self.logs.append(message)

    def warn(self, message: str, *, clip: str | None = None) -> None:
        self.warnings.append((clip, message))
