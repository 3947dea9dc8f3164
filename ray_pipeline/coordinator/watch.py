"""Wakes those who wait for a task's events, so that nobody polls the database."""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class EventWatch:
    """Who waits may belong to any event loop, and `notify` may come from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiters: dict[str, dict[asyncio.Event, asyncio.AbstractEventLoop]] = defaultdict(dict)

    @contextmanager
    def subscribe(self, task_id: str) -> Iterator[asyncio.Event]:
        """An event that is set once the task has news. Subscribe first, then look: news that
        come in between are not missed."""
        changed = asyncio.Event()
        with self._lock:
            self._waiters[task_id][changed] = asyncio.get_running_loop()
        try:
            yield changed
        finally:
            with self._lock:
                del self._waiters[task_id][changed]
                if not self._waiters[task_id]:
                    del self._waiters[task_id]

    def notify(self, task_id: str) -> None:
        with self._lock:
            waiters = list(self._waiters.get(task_id, {}).items())
        for changed, loop in waiters:
            with suppress(RuntimeError):  # its loop was closed: nobody waits there any more
                loop.call_soon_threadsafe(changed.set)
