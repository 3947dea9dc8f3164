"""What Ray Serve costs a request: GET of a task through the whole service, as ratio to a bare
uvicorn app that answers the same body from memory.

    python benchmarks/request_latency.py [--url http://127.0.0.1:8000]

Without --url a service is started and stopped. Prints medians of one client after the other,
and requests a second of sixteen at once, both interleaved so that a busy machine harms both.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.local_server import serving
from benchmarks.running_service import running_service
from serve_app.client import Client
from serve_app.schemas import TaskAnswer

ROUNDS, REQUESTS, PARALLEL = 5, 60, 16


def bare_app(task: TaskAnswer) -> FastAPI:
    app = FastAPI()

    @app.get("/api/v1/task/{task_id}")
    def get_task(task_id: str) -> TaskAnswer:
        return task

    return app


def latency_ms(url: str) -> list[float]:
    with httpx.Client() as client:
        client.get(url).raise_for_status()
        found = []
        for _ in range(REQUESTS):
            start = time.perf_counter()
            client.get(url).raise_for_status()
            found.append(1000 * (time.perf_counter() - start))
    return found


async def throughput(url: str) -> float:
    async with httpx.AsyncClient() as client:

        async def worker() -> None:
            for _ in range(REQUESTS // 4):
                (await client.get(url)).raise_for_status()

        start = time.perf_counter()
        await asyncio.gather(*(worker() for _ in range(PARALLEL)))
        return PARALLEL * (REQUESTS // 4) / (time.perf_counter() - start)


def measure(url: str) -> None:
    with Client(url) as client:
        task = client.create("latency", {"base_model": "nano"})
        with serving(bare_app(task)) as bare:
            path = f"/api/v1/task/{task.task_id}"
            times: dict[str, list[float]] = {url: [], bare: []}
            rates: dict[str, list[float]] = {url: [], bare: []}
            for _ in range(ROUNDS):
                for address in (url, bare):
                    times[address] += latency_ms(address + path)
                    rates[address].append(asyncio.run(throughput(address + path)))
        client.delete(task.task_id)
    report(times[url], times[bare], rates[url], rates[bare])


def report(ours: list[float], bare: list[float], our_rate: list[float], rate: list[float]) -> None:
    middle, bare_middle = statistics.median(ours), statistics.median(bare)
    slow, bare_slow = (statistics.quantiles(times, n=100)[94] for times in (ours, bare))
    best, bare_best = max(our_rate), max(rate)
    print(f"GET task, one at a time: median {middle:.1f} ms, bare uvicorn {bare_middle:.1f} ms, "
          f"ratio {middle / bare_middle:.1f}")  # fmt: skip
    print(f"95th percentile: {slow:.1f} ms and {bare_slow:.1f} ms, ratio {slow / bare_slow:.1f}")
    print(f"{PARALLEL} at once: {best:.0f}/s and {bare_best:.0f}/s, "
          f"ratio {best / bare_best:.2f}")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", help="a service that runs already")
    url: str | None = parser.parse_args().url
    started: Any = nullcontext() if url else running_service()
    with started as service:
        measure(url or service.url)


if __name__ == "__main__":
    main()
