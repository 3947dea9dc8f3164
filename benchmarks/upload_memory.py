"""How much memory an upload takes: all processes of the service while 500 MB come in at full
speed, and while a slow client sends.

    python benchmarks/upload_memory.py

Starts the service with the settings of `make serve` (HAProxy mode) and prints growth in MB of
the proportional set size over the level before, which counts shared pages once. The limit that
is promised is 300 MB.
"""

from __future__ import annotations

import http.client
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.memory import MemoryWatch
from benchmarks.running_service import running_service
from serve_app.client import Client
from serve_app.daemon import Service

TOTAL_BYTES = 500_000_000
SLOW_BYTES, SLOW_SECONDS = 20_000_000, 20.0
PIECE = b"\x5a" * 250_000
HEAD = b'--X\r\nContent-Disposition: form-data; name="file"; filename="big.bin"\r\n\r\n'
TAIL = b"\r\n--X--\r\n"
PROMISED_MB = 300


def body(total: int, seconds: float) -> Iterator[bytes]:
    yield HEAD
    pieces = total // len(PIECE)
    for _ in range(pieces):
        yield PIECE
        if seconds:
            time.sleep(seconds / pieces)
    yield TAIL


def send(service: Service, task_id: str, total: int, seconds: float) -> int:
    """Sends with a Content-Length, as browsers and `requests` do; the HTTP status."""
    host = service.url.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=600)
    length = len(HEAD) + len(PIECE) * (total // len(PIECE)) + len(TAIL)
    connection.request(
        "POST",
        f"/api/v1/task/{task_id}/files/upload",
        body=body(total, seconds),
        headers={
            "Content-Type": "multipart/form-data; boundary=X",
            "Content-Length": str(length),
        },
    )
    return connection.getresponse().status


def measure(service: Service, name: str, work: Callable[[], int]) -> bool:
    start = time.monotonic()
    with MemoryWatch(service) as watch:
        status = work()
    print(f"{name}: HTTP {status} after {time.monotonic() - start:.0f} s, "
          f"growth {watch.growth_mb:.0f} MB over {watch.before:.0f} MB")  # fmt: skip
    return status == 200 and watch.growth_mb < PROMISED_MB


def main() -> None:
    with running_service() as service, Client(service.url) as client:
        task_id = client.create("memory", {"base_model": "nano"}).task_id
        good = [
            measure(service, "500 MB", lambda: send(service, task_id, TOTAL_BYTES, 0)),
            measure(
                service, "slow client", lambda: send(service, task_id, SLOW_BYTES, SLOW_SECONDS)
            ),
        ]
        client.delete(task_id)
    if not all(good):
        raise SystemExit(f"More than the promised {PROMISED_MB} MB, or not stored.")


if __name__ == "__main__":
    main()
