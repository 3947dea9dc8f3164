"""Fifty listen to one engine of the deployment `Voices`, and it is killed: a stream goes on with
the next engine, or its client sees that it broke off. Then fifty leave at once."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections import Counter
from collections.abc import Iterator

import httpx
import pytest

from tests.end_to_end.service import RunningService
from tests.serve_app.speech.through_serve import engines, keep_voices

LISTENERS, SEEDS = 50, 5
SENTENCES = 20
TEXT = " ".join(f"This is number {number} of what is said." for number in range(SENTENCES))
PATIENCE = httpx.Timeout(300)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    folder = tmp_path_factory.mktemp("streams")
    # All fifty shall listen, however slow this machine is.
    running = RunningService(folder, {"GSV_SPEECH_NO_GAPS": "false"})
    running.start()
    try:
        (folder / "voices").mkdir()
        keep_voices(running, folder / "voices")
        yield running
    finally:
        running.stop()


class Listener:
    """With server-sent events, or with a bare stream of samples."""

    def __init__(self, url: str, number: int) -> None:
        self.url, self.seed, self.as_events = url, number % SEEDS, number % 2 == 0
        self.sound = b""
        self.began = asyncio.Event()
        self.outcome = ""

    async def listen(self, client: httpx.AsyncClient) -> None:
        asked = {
            "voice": "anna",
            "input": TEXT,
            "seed": self.seed,
            "response_format": "pcm",
            "stream_format": "sse" if self.as_events else "audio",
        }
        try:
            async with client.stream("POST", f"{self.url}/v1/audio/speech", json=asked) as answer:
                if answer.status_code != 200:
                    self.outcome = f"refused with {answer.status_code}"
                elif self.as_events:
                    await self._read_events(answer)
                else:
                    async for chunk in answer.aiter_bytes():
                        self._hear(chunk)
                    self.outcome = "ended"
        except httpx.HTTPError as error:
            self.outcome = f"broken off: {type(error).__name__}"
        finally:
            self.began.set()

    async def _read_events(self, answer: httpx.Response) -> None:
        self.outcome = "ended without a closing event"
        async for line in answer.aiter_lines():
            if not line.startswith("data: "):
                continue
            event = json.loads(line.removeprefix("data: "))
            if event["type"] == "speech.audio.delta":
                self._hear(base64.b64decode(event["audio"]))
            else:
                self.outcome = "ended" if event["type"].endswith("done") else "told an error"

    def _hear(self, sound: bytes) -> None:
        self.sound += sound
        self.began.set()


async def _undisturbed(url: str) -> dict[int, bytes]:
    found = [Listener(url, number) for number in range(SEEDS)]
    async with httpx.AsyncClient(timeout=PATIENCE) as client:
        for one in found:
            await one.listen(client)
    assert [one.outcome for one in found] == ["ended"] * SEEDS
    return {one.seed: one.sound for one in found}


def test_no_stream_ends_silently_short_when_the_engine_is_killed(service: RunningService) -> None:
    async def crowd() -> tuple[list[Listener], int]:
        found = [Listener(service.url, number) for number in range(LISTENERS)]
        async with httpx.AsyncClient(timeout=PATIENCE) as client:
            tasks = [asyncio.create_task(one.listen(client)) for one in found]
            await asyncio.gather(*(one.began.wait() for one in found))
            (engine,) = engines(service)
            engine.kill()
            running = sum(not task.done() for task in tasks)
            await asyncio.gather(*tasks)
        return found, running

    whole = asyncio.run(_undisturbed(service.url))
    found, running = asyncio.run(crowd())
    outcomes = Counter(one.outcome for one in found)
    print(f"\n{running} of {LISTENERS} streams ran when the engine was killed: {dict(outcomes)}")
    assert running > LISTENERS / 2
    for one in found:
        if one.outcome == "ended":
            assert one.sound == whole[one.seed]
        else:
            assert one.outcome != "ended without a closing event"
            assert whole[one.seed].startswith(one.sound)
    # The next engine says the rest; a few may be told that it did not come in time.
    assert outcomes["ended"] > 0.9 * LISTENERS


def test_fifty_who_leave_at_once_free_the_engine_within_a_second(service: RunningService) -> None:
    def active() -> int:
        stats = httpx.get(f"{service.url}/api/v1/speech/stats", timeout=PATIENCE).json()
        return int(stats["active_requests"])

    async def leave() -> int:
        found = [Listener(service.url, number) for number in range(LISTENERS)]
        async with httpx.AsyncClient(timeout=PATIENCE) as client:
            tasks = [asyncio.create_task(one.listen(client)) for one in found]
            await asyncio.gather(*(one.began.wait() for one in found))
            listening = await asyncio.to_thread(active)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return listening

    listening = asyncio.run(leave())
    left = time.monotonic()
    while active() and time.monotonic() < left + 30:
        time.sleep(0.02)
    took = time.monotonic() - left
    print(f"\n{listening} were spoken for; the engine was free {took:.2f} s after they left")
    assert listening > LISTENERS / 2
    assert took < 1
