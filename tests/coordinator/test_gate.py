"""Steps get in as resources allow, in the order of their jobs."""

from __future__ import annotations

import threading

import pytest

from ray_pipeline.coordinator.gate import Demand, Gate, demand_of
from ray_pipeline.core.resources import ClusterTotals
from ray_pipeline.core.step_names import StepName
from ray_pipeline.pipeline import STEPS

TWO_CPUS = ClusterTotals(cpus=2)
LIGHT, HEAVY = Demand(cpus=0.5), Demand(cpus=1.5)


class Entrant(threading.Thread):
    def __init__(self, gate: Gate, key: str, place: int, demand: Demand) -> None:
        super().__init__(daemon=True)
        self.gate, self.key, self.place, self.demand = gate, key, place, demand
        self.waits, self.cancelled = threading.Event(), threading.Event()
        self.entered: bool | None = None
        self.start()

    def run(self) -> None:
        self.entered = self.gate.enter(
            self.key,
            self.place,
            self.demand,
            lambda: TWO_CPUS,
            on_wait=self.waits.set,
            is_cancelled=self.cancelled.is_set,
            poll_seconds=0.02,
        )

    def is_in(self) -> bool:
        self.join(5)
        return self.entered is True


def test_what_fits_gets_in_together_and_the_rest_waits_its_turn() -> None:
    gate = Gate()
    assert Entrant(gate, "a", 1, HEAVY).is_in()
    heavy = Entrant(gate, "b", 2, HEAVY)
    assert heavy.waits.wait(5)
    light = Entrant(gate, "c", 3, Demand(cpus=0.3))
    # It would fit beside `a`, but overtaking would let a stream of small steps starve `b`.
    assert light.waits.wait(5)
    assert gate.counts() == (1, 2)
    gate.leave("a")
    assert heavy.is_in()
    assert light.is_in()


def test_an_older_job_goes_before_one_that_waits_already() -> None:
    gate = Gate()
    assert Entrant(gate, "a", 1, HEAVY).is_in()
    younger = Entrant(gate, "younger", 9, HEAVY)
    assert younger.waits.wait(5)
    older = Entrant(gate, "older", 2, HEAVY)
    assert older.waits.wait(5)
    gate.leave("a")
    assert older.is_in()
    assert younger.is_alive()
    gate.leave("older")
    assert younger.is_in()


def test_who_is_cancelled_leaves_the_line() -> None:
    gate = Gate()
    assert Entrant(gate, "a", 1, HEAVY).is_in()
    waiting = Entrant(gate, "b", 2, HEAVY)
    assert waiting.waits.wait(5)
    waiting.cancelled.set()
    gate.wake()
    waiting.join(5)
    assert waiting.entered is False
    assert gate.counts() == (1, 0)


def test_who_cannot_ask_whether_it_is_cancelled_holds_up_nobody() -> None:
    gate = Gate()
    assert Entrant(gate, "a", 1, HEAVY).is_in()

    def database_is_away() -> bool:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        gate.enter(
            "b",
            2,
            HEAVY,
            lambda: TWO_CPUS,
            on_wait=lambda: None,
            is_cancelled=database_is_away,
        )
    assert gate.counts() == (1, 0)
    gate.leave("a")
    assert Entrant(gate, "c", 3, HEAVY).is_in()


def test_no_step_asks_for_more_than_the_cluster_can_give() -> None:
    for totals in (ClusterTotals(cpus=1), TWO_CPUS, ClusterTotals(cpus=8, gpus=1)):
        for row in STEPS.values():
            demand = demand_of(row, 3, totals)
            assert 0 < demand.cpus <= 0.9 * totals.cpus
            assert demand.gpus <= totals.gpus


def test_two_cpus_do_not_hold_two_trainings_at_once() -> None:
    demand = demand_of(STEPS[StepName.TRAIN_SOVITS], 1, TWO_CPUS)
    assert 2 * demand.cpus > 0.9 * TWO_CPUS.cpus
