"""One writer a database, whatever happens to connections and clocks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from ray_pipeline.core.errors import NotFound, Unavailable
from ray_pipeline.core.options import TaskConfig
from ray_pipeline.core.task import EventKind
from ray_pipeline.store import Lease, LeaseLost, NewEvent, Store, upgrade

pytestmark = pytest.mark.slow

Open = Callable[[], Store]


def nobody_knows(holder: str) -> bool:
    return False


@pytest.fixture
def another(database_url: str) -> Iterator[Open]:
    """Opens the same database once more, as another coordinator would."""
    upgrade(database_url)
    stores: list[Store] = []

    def make() -> Store:
        stores.append(Store(database_url))
        return stores[-1]

    yield make
    for store in stores:
        store.close()


def test_a_second_coordinator_is_refused_as_long_as_the_first_renews(another: Open) -> None:
    first = Lease(another(), "first")
    first.take(nobody_knows)
    stop = threading.Event()

    def renew() -> None:
        while not stop.wait(0.05):
            first.renew()

    renewing = threading.Thread(target=renew)
    renewing.start()
    with pytest.raises(Unavailable, match="Another coordinator"):
        Lease(another(), "second").take(nobody_knows, expires_seconds=2, timeout_seconds=3)
    stop.set()
    renewing.join()
    first.renew()


def test_one_that_renews_no_more_is_replaced_and_can_write_no_more(another: Open) -> None:
    old, new = another(), another()
    lost = Lease(old, "first")
    lost.take(nobody_knows)
    old.create_task("t1", "a voice", TaskConfig())
    Lease(new, "second").take(nobody_knows, expires_seconds=0.6)
    with pytest.raises(LeaseLost):
        lost.renew()
    with pytest.raises(LeaseLost):
        old.create_task("t2", "another", TaskConfig())
    with pytest.raises(LeaseLost), old.change("t1") as change:
        change.add_events([NewEvent(kind=EventKind.LOG, data={})])
    with pytest.raises(NotFound):
        new.get_task("t2")
    assert new.get_task("t1").last_event == 0
    with new.change("t1") as change:
        change.add_events([NewEvent(kind=EventKind.LOG, data={})])


def test_one_that_is_known_to_be_gone_is_replaced_at_once(another: Open) -> None:
    Lease(another(), "first").take(nobody_knows)
    asked: list[str] = []

    def is_gone(holder: str) -> bool:
        asked.append(holder)
        return True

    Lease(another(), "second").take(is_gone, expires_seconds=60, timeout_seconds=0)
    assert asked == ["first"]


def test_a_write_that_has_begun_is_waited_for(another: Open) -> None:
    """Else it could commit after the new one has read what the old one left."""
    old, new = another(), another()
    Lease(old, "first").take(nobody_knows)
    old.create_task("t1", "a voice", TaskConfig())
    taken = threading.Event()

    def take() -> None:
        Lease(new, "second").take(lambda holder: True)
        taken.set()

    with old.change("t1") as change:
        change.add_events([NewEvent(kind=EventKind.LOG, data={})])
        taking = threading.Thread(target=take)
        taking.start()
        assert not taken.wait(0.5)
    assert taken.wait(20)
    taking.join()
    assert new.get_task("t1").last_event == 1
