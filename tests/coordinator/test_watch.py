"""Who waits for events is woken, and many at once ask the database once each."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ray_pipeline.core.errors import NotFound
from ray_pipeline.core.task import Task
from ray_pipeline.store import Store
from tests.coordinator.conftest import Desk
from tests.serve_app.local_coordinator import LocalCoordinator


def service_of(desk: Desk) -> LocalCoordinator:
    return LocalCoordinator(desk.store, desk.settings)


def test_hundreds_are_woken_by_one_event_and_ask_the_database_no_more(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    service, task = service_of(desk), desk.new_task()
    newest = desk.store.newest_event(task.task_id)
    asked: list[str] = []
    newest_event = Store.newest_event

    def counted(store: Store, task_id: str) -> int:
        asked.append(task_id)
        return newest_event(store, task_id)

    monkeypatch.setattr(Store, "newest_event", counted)

    async def watch() -> list[int]:
        waiting = [
            asyncio.create_task(service.wait_for_events(task.task_id, newest, 60.0))
            for _ in range(300)
        ]
        while len(asked) < 300:
            await asyncio.sleep(0.01)
        await service.register_file(task.task_id, "input_audio/a.wav")
        return await asyncio.gather(*waiting)

    assert set(asyncio.run(watch())) == {newest + 1}
    assert len(asked) == 300
    assert service._parts.watch._waiters == {}


def test_who_waits_for_a_task_that_is_deleted_hears_of_it_when_time_is_up(desk: Desk) -> None:
    service, task = service_of(desk), desk.new_task()

    async def watch(task: Task) -> Any:
        newest = task.last_event + 1
        waiting = asyncio.create_task(service.wait_for_events(task.task_id, newest, 0.5))
        await asyncio.sleep(0)
        await service.delete_task(task.task_id)
        return await waiting

    with pytest.raises(NotFound):
        asyncio.run(watch(task))
