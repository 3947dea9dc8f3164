"""One answer for all who ask the same at the same time.

Hundreds may watch one task. Each event would cost each of them a question to the coordinator and
one to the database, and whoever asks for something else would wait behind these.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, TypeVar, cast

T = TypeVar("T")


class SharedQuestions:
    """`ask` may be called from any event loop; only those of one loop share an answer."""

    def __init__(self) -> None:
        self._asked: dict[Hashable, asyncio.Task[Any]] = {}

    async def ask(self, question: Hashable, find: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """What `find` returns or raises, called once for all who come while it runs: for who came
        last, it may be as old as the question of who came first. Who goes away leaves the others
        theirs."""
        key = (asyncio.get_running_loop(), question)
        if (asked := self._asked.get(key)) is None:
            asked = self._asked[key] = asyncio.create_task(find())
            asked.add_done_callback(lambda done: self._forget(key, done))
        return cast(T, await asyncio.shield(asked))

    def _forget(self, key: Hashable, done: asyncio.Task[Any]) -> None:
        del self._asked[key]
        if not done.cancelled():
            done.exception()  # looked at: all who asked may be gone
