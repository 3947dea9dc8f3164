"""Wakes those who wait for a task's events, so that nobody polls the database."""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field


@dataclass(eq=False)
class Waiter:
    """`come` is set once the task has news; `newest` is the number of its newest event then, so
    that hundreds who are woken at once need not ask the database for it."""

    loop: asyncio.AbstractEventLoop
    come: asyncio.Event = field(default_factory=asyncio.Event)
    newest: int = 0


class EventWatch:
    """Who waits may belong to any event loop, and `notify` may come from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiters: dict[str, set[Waiter]] = defaultdict(set)

    @contextmanager
    def subscribe(self, task_id: str) -> Iterator[Waiter]:
        """Subscribe first, then look: news that come in between are not missed."""
        waiter = Waiter(asyncio.get_running_loop())
        with self._lock:
            self._waiters[task_id].add(waiter)
        try:
            yield waiter
        finally:
            with self._lock:
                self._waiters[task_id].discard(waiter)
                if not self._waiters[task_id]:
                    del self._waiters[task_id]

    def notify(self, task_id: str, newest: int) -> None:
        with self._lock:
            waiters = list(self._waiters.get(task_id, ()))
            for waiter in waiters:
                waiter.newest = max(waiter.newest, newest)
        for waiter in waiters:
            with suppress(RuntimeError):  # its loop was closed: nobody waits there any more
                waiter.loop.call_soon_threadsafe(waiter.come.set)
