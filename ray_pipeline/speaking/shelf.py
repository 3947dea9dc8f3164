"""Voices that are loaded: kept while somebody speaks with them, and for a while after.

A voice that is leased is never dropped. The others go when they were idle for long, or when room is
needed, the least recently used first. Different voices load at the same time; those who ask for one
that is loading wait for the same load.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock

from ray_pipeline.core.errors import Busy
from ray_pipeline.speaking.order import VoiceFiles
from ray_pipeline.voice.speech import Voice

LoadVoice = Callable[[VoiceFiles], Voice]

# Files hold half precision; float32 is twice as much.
_BYTES_PER_FILE_BYTE = 2


@dataclass
class _Entry:
    loading: Future[Voice]
    expected_bytes: int
    leases: int = 0
    used_at: float = 0.0

    @property
    def num_bytes(self) -> int:
        if self.loading.done() and self.loading.exception() is None:
            return self.loading.result().num_bytes
        return self.expected_bytes


@dataclass(frozen=True)
class ShelfCounts:
    """`num_loads` counts also voices that were loaded again."""

    num_voices: int
    num_leased: int
    num_bytes: int
    num_loads: int


class VoiceShelf:
    """`limit_bytes` is for the weights of all loaded voices; one that is larger is still loaded
    when no other speaks. Any thread may ask."""

    def __init__(
        self,
        load: LoadVoice,
        *,
        limit_bytes: int,
        idle_seconds: float,
        num_loaders: int = 2,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._load, self._clock = load, clock
        self._limit_bytes, self._idle_seconds = limit_bytes, idle_seconds
        self._entries: dict[str, _Entry] = {}
        self._known_bytes: dict[str, int] = {}
        self._num_loads = 0
        self._lock = Lock()
        self._loaders = ThreadPoolExecutor(num_loaders, thread_name_prefix="load-voice")

    async def lease(self, files: VoiceFiles) -> Voice:
        """The voice, loaded if need be; each lease wants a `release`. Raises Busy when the voices
        that speak leave no room, and what loading raises."""
        entry = self._enter(files)
        try:
            # Whoever gives up waiting must not spoil it for the others.
            voice = await asyncio.shield(asyncio.wrap_future(entry.loading))
        except BaseException:
            self._leave(files.key, entry)
            raise
        with self._lock:
            self._known_bytes[files.key] = voice.num_bytes
            self._make_room(0)
        return voice

    def release(self, files: VoiceFiles) -> None:
        with self._lock:
            entry = self._entries[files.key]
        self._leave(files.key, entry)

    def sweep(self) -> None:
        """Drop what was idle for too long."""
        with self._lock:
            oldest = self._clock() - self._idle_seconds
            for key, entry in list(self._entries.items()):
                if not entry.leases and entry.used_at <= oldest:
                    del self._entries[key]

    def counts(self) -> ShelfCounts:
        with self._lock:
            entries = list(self._entries.values())
            return ShelfCounts(
                len(entries),
                sum(entry.leases > 0 for entry in entries),
                sum(entry.num_bytes for entry in entries),
                self._num_loads,
            )

    def close(self) -> None:
        self._loaders.shutdown(wait=False, cancel_futures=True)
        with self._lock:  # those that are leased are still to be released
            for key in [key for key, entry in self._entries.items() if not entry.leases]:
                del self._entries[key]

    def _enter(self, files: VoiceFiles) -> _Entry:
        with self._lock:
            entry = self._entries.get(files.key)
            if entry is None:
                expected = self._expected_bytes(files)
                if not self._make_room(expected):
                    raise Busy(
                        "All room for voices is taken by voices that are speaking.",
                        hint="Try again in some seconds.",
                        retry_after_s=5,
                    )
                self._num_loads += 1
                entry = _Entry(self._loaders.submit(self._load, files), expected)
                self._entries[files.key] = entry
            entry.leases += 1
            return entry

    def _leave(self, key: str, entry: _Entry) -> None:
        with self._lock:
            entry.leases -= 1
            entry.used_at = self._clock()
            failed = entry.loading.done() and (
                entry.loading.cancelled() or entry.loading.exception() is not None
            )
            if failed and self._entries.get(key) is entry:
                del self._entries[key]  # the next one tries anew
            self._make_room(0)

    def _expected_bytes(self, files: VoiceFiles) -> int:
        known = self._known_bytes.get(files.key)
        if known is not None:
            return known
        paths = [path for path in (files.gpt_path, files.sovits_path) if path.is_file()]
        return _BYTES_PER_FILE_BYTE * sum(path.stat().st_size for path in paths)

    def _make_room(self, wanted: int) -> bool:
        """Drop idle voices until `wanted` bytes more fit; whether they do, or nobody speaks."""
        idle = sorted(
            (key for key, entry in self._entries.items() if not entry.leases),
            key=lambda key: self._entries[key].used_at,
        )
        while idle and self._total() + wanted > self._limit_bytes:
            del self._entries[idle.pop(0)]
        return not self._entries or self._total() + wanted <= self._limit_bytes

    def _total(self) -> int:
        return sum(entry.num_bytes for entry in self._entries.values())
