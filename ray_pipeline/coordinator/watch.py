"""Wakes those who wait for a task's events, so that nobody polls the database."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager


class EventWatch:
    """Subscribing belongs to the coordinator's event loop; `notify` may come from any thread."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiters: dict[str, set[asyncio.Event]] = defaultdict(set)

    @contextmanager
    def subscribe(self, task_id: str) -> Iterator[asyncio.Event]:
        """An event that is set once the task has news. Subscribe first, then look: news that
        come in between are not missed."""
        self._loop = asyncio.get_running_loop()
        changed = asyncio.Event()
        self._waiters[task_id].add(changed)
        try:
            yield changed
        finally:
            self._waiters[task_id].discard(changed)
            if not self._waiters[task_id]:
                del self._waiters[task_id]

    def notify(self, task_id: str) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._wake, task_id)

    def _wake(self, task_id: str) -> None:
        for changed in self._waiters.get(task_id, ()):
            changed.set()
