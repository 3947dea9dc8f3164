"""Three hundred watchers and eight clients on one service: how long a GET takes, beside a bare
uvicorn app with the same route, and whether anything grows.

    python -m tests.chaos.crowd --minutes 30 --folder /tmp/crowd
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
import uvicorn

from benchmarks.request_latency import bare_app
from serve_app.client import Client
from serve_app.schemas import TaskAnswer
from tests.chaos.killing import titled
from tests.end_to_end.service import RunningService, free_port

WATCHERS, CLIENTS = 300, 8
_PAUSE_SECONDS = 0.25  # of a client between two questions; of who changes the task, four of them
_SAMPLE_SECONDS = 5.0
# What may be added between the second and the last quarter of the time. Everything that is
# filled once (caches, pools, a thread's memory) is filled by then.
MOST_GROWTH_MB = 16.0
PARTS = {"coordinator": "ray::CoordinatorActor", "replica": "ray::ServeReplica:gsv:Api"}
# As `gsv start` runs it; other tests leave HAProxy out. But Ray gives its processes the lowest
# priority but four, and the bare app has the usual one: beside other work that would be measured.
ENVIRONMENT = {"RAY_SERVE_ENABLE_HA_PROXY": "1", "RAY_worker_niceness": "0"}


@dataclass
class Crowd:
    """Milliseconds, and MB of each part every few seconds."""

    service_ms: list[float] = field(default_factory=list)
    bare_ms: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    events_heard: int = 0
    memory_mb: dict[str, list[float]] = field(default_factory=dict)

    def growth_mb(self, part: str) -> float:
        """The median of the last quarter less that of the second."""
        samples = self.memory_mb[part]
        quarter = max(1, len(samples) // 4)
        return statistics.median(samples[-quarter:]) - statistics.median(
            samples[quarter : 2 * quarter] or samples
        )

    def __str__(self) -> str:
        lines = [
            f"{name}: median {statistics.median(ms):.1f} ms, p99 {_p99(ms):.1f} ms, {len(ms)} calls"
            for name, ms in (("service", self.service_ms), ("bare uvicorn", self.bare_ms))
        ]
        lines.append(f"errors: {len(self.errors)} {self.errors[:3]}; events: {self.events_heard}")
        for part, samples in self.memory_mb.items():
            lines.append(
                f"{part}: {samples[0]:.1f} MB at first, {samples[-1]:.1f} at last, "
                f"{self.growth_mb(part):+.1f} from the second quarter to the last"
            )
        return "\n".join(lines)


def _p99(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.99)]


async def _watch(url: str, crowd: Crowd, until: float) -> None:
    """Reads the stream of a task, and opens it again when it ends."""
    async with httpx.AsyncClient(timeout=httpx.Timeout(60.0)) as client:
        while time.monotonic() < until:
            try:
                async with client.stream("GET", f"{url}/events/stream") as answer:
                    if answer.status_code != 200:
                        crowd.errors.append(f"stream: {answer.status_code}")
                        await asyncio.sleep(1)
                        continue
                    async for line in answer.aiter_lines():
                        crowd.events_heard += line.startswith("data:")
                        if time.monotonic() > until:
                            return
            except httpx.HTTPError as error:
                crowd.errors.append(f"stream: {type(error).__name__}")
                await asyncio.sleep(1)


async def _ask(urls: list[tuple[str, list[float]]], crowd: Crowd, until: float) -> None:
    async with httpx.AsyncClient(timeout=60) as client:
        while time.monotonic() < until:
            for url, times in urls:
                start = time.perf_counter()
                try:
                    answer = await client.get(url)
                    times.append(1000 * (time.perf_counter() - start))
                    if answer.status_code != 200:
                        crowd.errors.append(f"GET: {answer.status_code}")
                except httpx.HTTPError as error:
                    crowd.errors.append(f"GET: {type(error).__name__}")
            await asyncio.sleep(_PAUSE_SECONDS)


async def _change(url: str, crowd: Crowd, until: float) -> None:
    """Gives everybody something to hear: each new name of the task is an event."""
    async with httpx.AsyncClient(timeout=60) as client:
        number = 0
        while time.monotonic() < until:
            number += 1
            try:
                answer = await client.patch(url, json={"task_name": f"crowd {number}"})
                if answer.status_code != 200:
                    crowd.errors.append(f"PATCH: {answer.status_code}")
            except httpx.HTTPError as error:
                crowd.errors.append(f"PATCH: {type(error).__name__}")
            await asyncio.sleep(4 * _PAUSE_SECONDS)


async def _weigh(parts: dict[str, psutil.Process], crowd: Crowd, until: float) -> None:
    """Every few seconds; tells a person who waits every few minutes."""
    while time.monotonic() < until:
        for part, process in parts.items():
            crowd.memory_mb.setdefault(part, []).append(process.memory_info().rss / 1e6)
        if len(crowd.memory_mb["coordinator"]) % 36 == 0:
            print(f"\n{crowd}", flush=True)
        await asyncio.sleep(_SAMPLE_SECONDS)


@contextmanager
def _bare(task: TaskAnswer) -> Iterator[str]:
    """The URL of the bare app, in a process of its own as the service is: in this one it would
    wait for the crowd's own work."""
    port = free_port()
    process = multiprocessing.get_context("spawn").Process(
        target=_serve_bare, args=(task, port), daemon=True
    )
    process.start()
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                httpx.get(f"{url}/api/v1/task/{task.task_id}").raise_for_status()
                break
            except httpx.TransportError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.join(10)


def _serve_bare(task: TaskAnswer, port: int) -> None:
    uvicorn.run(bare_app(task), port=port, log_level="warning")


def gather_crowd(service: RunningService, seconds: float) -> Crowd:
    """Everything at once, for so long."""
    crowd = Crowd()
    with Client(service.url) as client:
        task = client.create("crowd", {"base_model": "nano", "language": "en"})
    path = f"/api/v1/task/{task.task_id}"
    parts = {part: titled(service, title)[0] for part, title in PARTS.items()}

    async def everything(bare: str) -> None:
        until = time.monotonic() + seconds
        asked = [(service.url + path, crowd.service_ms), (bare + path, crowd.bare_ms)]
        await asyncio.gather(
            _weigh(parts, crowd, until),
            _change(service.url + path, crowd, until),
            *(_watch(service.url + path, crowd, until) for _ in range(WATCHERS)),
            *(_ask(asked, crowd, until) for _ in range(CLIENTS)),
        )

    with _bare(task) as bare:
        asyncio.run(everything(bare))
    return crowd


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--folder", type=Path, required=True, help="an empty one, for the service")
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    service = RunningService(asked.folder, ENVIRONMENT)
    service.start()
    try:
        crowd = gather_crowd(service, 60 * asked.minutes)
    finally:
        service.stop()
    print(crowd)
    sys.exit(1 if crowd.errors else 0)


if __name__ == "__main__":
    main()
