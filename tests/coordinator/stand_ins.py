"""Stand-ins for what only a cluster has, so that the runner can be tested without one: step
actors that live in this process, and a TCP relay that can be cut."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest
from ray.exceptions import RayActorError

from ray_pipeline.coordinator import attending, runner, starving
from ray_pipeline.coordinator.attempt_end import AttemptEnd
from ray_pipeline.core.resources import ClusterTotals

Work = Callable[[Any], AttemptEnd]


class Processes:
    """Step actors by name. `work(assignment)` is what one does when it is asked to run."""

    def __init__(self, work: Work = lambda assignment: AttemptEnd()) -> None:
        self.work = work
        self.alive: dict[str, Any] = {}
        self.ended: list[str] = []
        self.runs = 0

    def install(self, monkeypatch: pytest.MonkeyPatch) -> Processes:
        totals = lambda: ClusterTotals(cpus=2)  # noqa: E731
        for module in (attending, runner):
            monkeypatch.setattr(module, "cluster_totals", totals)
            monkeypatch.setattr(module, "release_abandoned", list)
        for module in (attending, starving):
            monkeypatch.setattr(module, "find_step_actor", self.alive.get)
            monkeypatch.setattr(module, "end_step_actor", self.end)
            monkeypatch.setattr(module, "reservations", list)
            monkeypatch.setattr(module, "worker_id", str)
        monkeypatch.setattr(attending, "start_step_actor", self.start)
        monkeypatch.setattr(runner.ray, "available_resources", dict)
        names = lambda **_: [{"name": name} for name in self.alive]  # noqa: E731
        monkeypatch.setattr(attending.ray.util, "list_named_actors", names)
        return self

    def start(self, assignment: Any) -> Any:
        actor = self._actor(assignment)
        self.alive[assignment.actor_name] = actor
        return actor

    def end(self, name: str) -> None:
        if self.alive.pop(name, None) is not None:
            self.ended.append(name)

    def _actor(self, assignment: Any) -> Any:
        done: list[AttemptEnd] = []

        def run() -> None:
            if not done:
                self.runs += 1
                done.append(self.work(assignment))

        def end() -> Any:
            if assignment.actor_name not in self.alive:
                raise RayActorError
            return SimpleNamespace(future=lambda: SimpleNamespace(result=lambda: done[0]))

        return SimpleNamespace(run=SimpleNamespace(remote=run), end=SimpleNamespace(remote=end))


class Relay:
    """Passes TCP on to a server until it is cut; then every connection breaks and none is
    taken."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._listener = self._listen(0)
        self.port = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []

    def _listen(self, port: int) -> socket.socket:
        listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
        return listener

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(self._target)
                self._open += [near, far]
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        for each in (source, sink):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def cut(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for each in self._open:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self._open.clear()

    def mend(self) -> None:
        if self._listener.fileno() != -1:
            return
        self._listener = self._listen(self.port)
