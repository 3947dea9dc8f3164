"""Ways in which a part of a running service dies, and what a person does about it (nothing, or
starting it again)."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import psutil

from tests.end_to_end.service import RunningService, processes_with_mark

_PATIENCE_SECONDS = 10.0

# What Ray calls the processes of its actors.
_TITLES = {
    "step process": "ray::StepActor",
    "coordinator": "ray::CoordinatorActor",
    "replica": "ray::ServeReplica",
}


def titled(service: RunningService, title: str) -> list[psutil.Process]:
    """The processes that Ray calls so."""
    found = []
    for process in processes_with_mark(service.mark()):
        with suppress(psutil.Error):
            if " ".join(process.cmdline()).startswith(title):
                found.append(process)
    return found


def _kill_part(service: RunningService, running: int, part: str) -> int:
    """SIGKILL; the number of processes. A step that runs has a process soon, not at once, so
    each is hit as soon as it is there."""
    wanted = running if part == "step process" else 1
    killed: set[int] = set()
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while len(killed) < wanted and time.monotonic() < deadline:
        for process in titled(service, _TITLES[part]):
            if process.pid not in killed:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
                    killed.add(process.pid)
        time.sleep(0.05)
    return len(killed)


def _kill_all(service: RunningService, _: int) -> int:
    killed = service.kill()
    service.start()
    return killed


def _terminate(service: RunningService, _: int) -> int:
    """What `gsv stop` does: SIGTERM, and SIGKILL for what still runs after a minute."""
    running = len(processes_with_mark(service.mark()))
    service.stop()
    service.start()
    return running


# Each takes the service and the number of steps that run, and returns that of killed processes.
KINDS: dict[str, Callable[[RunningService, int], int]] = {
    **{part: partial(_kill_part, part=part) for part in _TITLES},
    "everything": _kill_all,
    "SIGTERM": _terminate,
}
