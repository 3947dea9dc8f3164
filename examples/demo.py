"""Train a small voice on samples/ through the whole service, and listen to it.

    make demo

Starts the service (or uses the one that runs), does over HTTP what any client would do, and
writes demo/: the spoken WAV, its mel picture, the loss curves and a report.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from examples.figures import draw_curves, draw_mel
from examples.report import Spoken, write_report
from ray_pipeline.core.task import EventKind
from serve_app import daemon
from serve_app.cli_common import Output
from serve_app.client import Client
from serve_app.schemas import EventAnswer
from serve_app.step_lines import show_steps

SAMPLES = Path("samples")
RESULTS = Path("demo")
CONFIG = {
    "exp_name": "demo",
    "language": "en",
    "base_model": "mini",  # comes with the project and learns a voice on a laptop, in minutes
}
# Besides what the last step says by itself. The recordings have none of these sentences.
SENTENCES = {
    "weather": "The weather will be fine tomorrow, with a little wind from the west.",
    "message": "Please leave a message after the tone, and we will call you back.",
    "bridge": "Nobody expected the old bridge to last another winter.",
}
SLOW = 0.75

console = Output(highlight=False)


def main() -> int:
    started = time.monotonic()
    shutil.rmtree(RESULTS, ignore_errors=True)
    RESULTS.mkdir()
    with running_service() as url, Client(url, api_key=os.environ.get("GSV_API_KEY")) as client:
        task_id = train(client)
        metrics = [event.data for event in all_events(client, task_id, EventKind.METRIC)]
        spoken = speak(client, task_id)
        steps = client.steps(task_id)
    draw_mel(spoken["voice"].wav, RESULTS / "mel.png")
    draw_curves(metrics, RESULTS / "losses.png")
    passed = write_report(
        RESULTS / "report.md", steps, spoken, SAMPLES, seconds=time.monotonic() - started
    )
    console.print((RESULTS / "report.md").read_text("utf-8"), markup=False)
    console.print(f"Listen to [bold]{spoken['voice'].wav}[/]")
    return 0 if passed else 1


@contextmanager
def running_service() -> Iterator[str]:
    """The URL of a service: the one started from this folder, or one for the demo alone."""
    recorded = daemon.Service.recorded()
    if recorded is not None and recorded.processes():
        console.print(f"Using the service that runs at {recorded.url}")
        yield recorded.url
        return
    service = daemon.start(daemon.serve_config(port=free_port()), say=console.print)
    console.print(f"The service is ready at {service.url}")
    try:
        console.print(f"Ray's dashboard: {dashboard(service.url)}")
        yield service.url
    finally:
        console.print("Stopping the service …")
        killed = daemon.stop(service)
        console.print(
            "Stopped." if not killed else f"Stopped; {killed} processes had to be killed."
        )


def free_port() -> int | None:
    """None (the configured port) unless something else listens there."""
    import socket

    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", 8000)) != 0:
            return None
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def dashboard(url: str) -> str:
    capabilities = httpx.get(f"{url}/api/v1/capabilities", timeout=60).json()
    return str(capabilities["cluster"]["dashboard"] or "not running")


def train(client: Client) -> str:
    """All eleven steps on the samples; the id of the task."""
    task = client.create("demo", CONFIG)
    console.print(f"Task {task.task_id}: uploading {SAMPLES}/")
    client.upload(task.task_id, [*sorted(SAMPLES.glob("*.flac")), SAMPLES / "transcripts.list"])
    client.run(task.task_id)
    with show_steps(console) as shown:
        done = client.wait(task.task_id, on_event=shown.show)
    if done.status != "completed":
        console.print(client.logs(task.task_id, tail=30), markup=False)
        raise SystemExit(f"The task ended as {done.status}: {done.error_message}")
    return task.task_id


def speak(client: Client, task_id: str) -> dict[str, Spoken]:
    """What the last step said, other sentences, and the first of them slowly."""
    spoken = {"voice": fetch(client, task_id, "voice")}
    first = next(iter(SENTENCES.values()))
    orders: dict[str, dict[str, object]] = {
        name: {"target_text": text} for name, text in SENTENCES.items()
    } | {"slowly": {"target_text": first, "speed": SLOW}}
    for name, params in orders.items():
        client.step(task_id, "test_inference", params)
        client.wait(task_id)
        spoken[name] = fetch(client, task_id, name)
    return spoken


def fetch(client: Client, task_id: str, name: str) -> Spoken:
    """Download what test_inference said last, with its facts."""
    step = next(step for step in client.steps(task_id) if step.step == "test_inference")
    if step.state != "completed" or step.result is None:
        raise SystemExit(f"test_inference ended as {step.state}: {step.error}")
    wav = client.download(task_id, step.result["file"], RESULTS / f"{name}.wav")
    return Spoken.of(wav, step.result)


def all_events(client: Client, task_id: str, kind: EventKind) -> Iterator[EventAnswer]:
    after = 0
    while page := client.events(task_id, after=after):
        yield from (event for event in page if event.kind == kind)
        after = page[-1].seq


if __name__ == "__main__":
    sys.exit(main())
