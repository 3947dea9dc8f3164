"""Lets steps in, first come first served, as long as the cluster has room for their workers.

Ray itself would start two steps that each hold half of what both need, and wait for ever.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from ray_pipeline.core.resources import USABLE_CPU_SHARE, ClusterTotals, plan_workers
from ray_pipeline.pipeline import StepRow


@dataclass(frozen=True)
class Demand:
    """What a step holds from its first worker's start to its end."""

    cpus: float
    gpus: float = 0.0


def demand_of(row: StepRow, num_workers: int, totals: ClusterTotals) -> Demand:
    """Never more than the cluster has, so that every step gets in when it is alone."""
    plan = plan_workers(row.resources, num_workers, totals)
    cpus = plan.num_workers * plan.cpus_per_worker + row.spare_cpus
    gpus = plan.num_workers * plan.gpus_per_worker
    return Demand(min(cpus, totals.cpus * USABLE_CPU_SHARE), min(gpus, totals.gpus))


@dataclass(frozen=True, eq=False)
class _Ticket:
    place: int
    key: str
    demand: Demand


class Gate:
    """Those who wait are let in by place (the number of their job), and nobody overtakes."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: list[_Ticket] = []
        self._inside: dict[str, Demand] = {}

    def enter(
        self,
        key: str,
        place: int,
        demand: Demand,
        totals: Callable[[], ClusterTotals],
        *,
        on_wait: Callable[[], None],
        is_cancelled: Callable[[], bool],
        poll_seconds: float = 2.0,
    ) -> bool:
        """Wait for room; False if cancelled meanwhile. `on_wait` is called once if it takes
        waiting at all."""
        ticket = _Ticket(place, key, demand)
        with self._changed:
            self._waiting.append(ticket)
            self._waiting.sort(key=lambda each: each.place)
        try:
            if self._try(ticket, totals()):
                return True
            on_wait()
            return self._wait(ticket, totals, is_cancelled, poll_seconds)
        finally:
            # Also when a callback raised (the database was away): nobody overtakes, so one
            # who stayed in the line would hold up all others for ever.
            self._leave_line(ticket)

    def hold(self, key: str, demand: Demand) -> None:
        """Count a step that runs already, left by a coordinator that died."""
        with self._changed:
            self._inside[key] = demand

    def leave(self, key: str) -> None:
        with self._changed:
            self._inside.pop(key, None)
            self._changed.notify_all()

    def wake(self) -> None:
        """Make those who wait look whether they are cancelled."""
        with self._changed:
            self._changed.notify_all()

    def counts(self) -> tuple[int, int]:
        """How many run and how many wait."""
        with self._changed:
            return len(self._inside), len(self._waiting)

    def _wait(
        self,
        ticket: _Ticket,
        totals: Callable[[], ClusterTotals],
        is_cancelled: Callable[[], bool],
        poll_seconds: float,
    ) -> bool:
        while not is_cancelled():
            there_is = totals()
            with self._changed:
                if self._try(ticket, there_is):
                    return True
                self._changed.wait(poll_seconds)
        return False

    def _try(self, ticket: _Ticket, totals: ClusterTotals) -> bool:
        """Let the ticket in if it is its turn and there is room."""
        with self._changed:
            if not self._fits(ticket, totals):
                return False
            self._waiting.remove(ticket)
            self._inside[ticket.key] = ticket.demand
            self._changed.notify_all()
            return True

    def _leave_line(self, ticket: _Ticket) -> None:
        with self._changed:
            if ticket in self._waiting:
                self._waiting.remove(ticket)
                self._changed.notify_all()

    def _fits(self, ticket: _Ticket, totals: ClusterTotals) -> bool:
        if self._waiting[0] is not ticket:
            return False
        if not self._inside:
            return True
        cpus = ticket.demand.cpus + sum(demand.cpus for demand in self._inside.values())
        gpus = ticket.demand.gpus + sum(demand.gpus for demand in self._inside.values())
        return cpus <= totals.cpus * USABLE_CPU_SHARE + 1e-6 and gpus <= totals.gpus + 1e-6
