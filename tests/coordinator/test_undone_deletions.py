"""A deleted task can be had back for a while, on the service's side: whoever closes the page or
restarts the service neither loses it early nor keeps it for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ray_pipeline.core.errors import Conflict, NotFound
from ray_pipeline.store import Store, upgrade
from tests.serve_app.local_coordinator import LocalCoordinator, coordinator_settings

LATER = datetime.now(UTC) + timedelta(hours=1)


@pytest.fixture
def coordinator(tmp_path: Path) -> LocalCoordinator:
    settings = coordinator_settings(tmp_path)
    upgrade(settings.database_url)
    return LocalCoordinator(Store(settings.database_url), settings)


async def deleted(coordinator: LocalCoordinator, undo_seconds: float = 60) -> str:
    task = await coordinator.create_task("a voice", {"language": "en"})
    await coordinator.delete_task(task.task_id, undo_seconds)
    return task.task_id


def folder(coordinator: LocalCoordinator, task_id: str) -> Path:
    return coordinator._parts.ledger.workspace(task_id).root


def run(awaitable: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(awaitable)


def test_a_deleted_task_stays_with_the_time_when_it_goes(coordinator: LocalCoordinator) -> None:
    task_id = run(deleted(coordinator))
    at = coordinator.store.get_task(task_id).delete_at
    assert at is not None
    assert timedelta(seconds=50) < at - datetime.now(UTC) <= timedelta(seconds=60)
    coordinator.tasks.delete_due(datetime.now(UTC))
    assert folder(coordinator, task_id).is_dir()


def test_it_is_gone_with_its_files_when_its_time_is_over(coordinator: LocalCoordinator) -> None:
    task_id = run(deleted(coordinator))
    coordinator.tasks.delete_due(LATER)
    with pytest.raises(NotFound):
        coordinator.store.get_task(task_id)
    assert not folder(coordinator, task_id).exists()
    with pytest.raises(NotFound):
        run(coordinator.restore_task(task_id))


def test_what_was_had_back_stays(coordinator: LocalCoordinator) -> None:
    task_id = run(deleted(coordinator))
    assert run(coordinator.restore_task(task_id)) is True
    assert run(coordinator.restore_task(task_id)) is False
    coordinator.tasks.delete_due(LATER)
    assert coordinator.store.get_task(task_id).delete_at is None


def test_had_back_between_the_look_and_the_deletion_it_stays(
    coordinator: LocalCoordinator,
) -> None:
    task_id = run(deleted(coordinator))
    run(coordinator.restore_task(task_id))
    coordinator.tasks.delete_task(task_id, due=LATER)
    assert coordinator.store.get_task(task_id)


def test_nothing_starts_in_a_deleted_task(coordinator: LocalCoordinator) -> None:
    task_id = run(deleted(coordinator))
    with pytest.raises(Conflict, match="deleted"):
        run(coordinator.run_steps(task_id))
    with pytest.raises(Conflict, match="deleted"):
        run(coordinator.start_step(task_id, "convert_audio", {}))


def test_without_time_to_undo_it_is_gone_at_once(coordinator: LocalCoordinator) -> None:
    task_id = run(deleted(coordinator, 0))
    with pytest.raises(NotFound):
        coordinator.store.get_task(task_id)
