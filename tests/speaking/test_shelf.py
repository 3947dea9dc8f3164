from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ray_pipeline.core.errors import Busy
from ray_pipeline.speaking.order import VoiceFiles
from ray_pipeline.speaking.shelf import VoiceShelf


class Loads:
    """Counts loads, each of which waits for what `wait` waits for."""

    def __init__(self, wait: Callable[[], object] = lambda: None) -> None:
        self.wait, self.loaded = wait, list[str]()

    def __call__(self, files: VoiceFiles) -> Any:
        self.loaded.append(files.key)
        self.wait()
        return SimpleNamespace(num_bytes=10, key=files.key)


def files(key: str) -> VoiceFiles:
    return VoiceFiles(key, Path(f"{key}.ckpt"), Path(f"{key}.pth"))


def shelf(load: Loads, limit: int = 100, clock: Any = time.monotonic) -> VoiceShelf:
    return VoiceShelf(load, limit_bytes=limit, idle_seconds=60, clock=clock)


async def use(kept: VoiceShelf, key: str) -> None:
    await kept.lease(files(key))
    kept.release(files(key))


def test_those_who_ask_at_the_same_time_share_one_load() -> None:
    load = Loads(lambda: time.sleep(0.1))
    kept = shelf(load)

    async def ask() -> None:
        first, second = await asyncio.gather(kept.lease(files("a")), kept.lease(files("a")))
        assert first is second

    asyncio.run(ask())
    assert load.loaded == ["a"]
    assert kept.counts().num_leased == 1


def test_different_voices_load_side_by_side() -> None:
    both = threading.Barrier(2, timeout=30)  # broken, unless two arrive

    async def ask() -> None:
        kept = shelf(Loads(both.wait))
        await asyncio.gather(kept.lease(files("a")), kept.lease(files("b")))

    asyncio.run(ask())


def test_the_least_recently_used_goes_when_room_is_needed() -> None:
    load = Loads()

    async def ask() -> None:
        kept = shelf(load, limit=20)
        for key in ("a", "b", "a", "c", "a", "b"):
            await use(kept, key)
        assert kept.counts().num_bytes <= 20

    asyncio.run(ask())
    assert load.loaded == ["a", "b", "c", "b"]


def test_a_voice_that_speaks_is_never_dropped_and_no_other_takes_its_room() -> None:
    load = Loads()

    async def ask() -> None:
        kept = shelf(load, limit=15)
        await kept.lease(files("a"))
        await kept.lease(files("b"))  # its size was not known before
        kept.release(files("b"))
        assert kept.counts().num_voices == 1
        with pytest.raises(Busy, match="taken by voices"):
            await kept.lease(files("b"))
        kept.release(files("a"))
        await use(kept, "b")
        assert kept.counts().num_voices == 1

    asyncio.run(ask())
    assert load.loaded == ["a", "b", "b"]


def test_an_idle_voice_goes_after_its_time() -> None:
    now = [0.0]
    load = Loads()
    kept = shelf(load, clock=lambda: now[0])

    async def ask() -> None:
        await use(kept, "a")
        await kept.lease(files("b"))

    asyncio.run(ask())
    now[0] = 59
    kept.sweep()
    assert kept.counts().num_voices == 2
    now[0] = 61
    kept.sweep()
    assert kept.counts().num_voices == 1  # b is still leased


def test_one_who_gives_up_waiting_does_not_spoil_it_for_others() -> None:
    left = threading.Event()
    load = Loads(lambda: left.wait(30))
    kept = shelf(load)

    async def ask() -> None:
        leaves = asyncio.create_task(kept.lease(files("a")))
        stays = asyncio.create_task(kept.lease(files("a")))
        await asyncio.sleep(0.05)
        leaves.cancel()
        await asyncio.wait([leaves])
        left.set()
        assert (await stays).num_bytes == 10
        assert kept.counts().num_leased == 1
        kept.release(files("a"))
        assert kept.counts().num_leased == 0

    asyncio.run(ask())
    assert load.loaded == ["a"]
