import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from ray_pipeline.core.errors import Conflict, Unavailable
from serve_app import cli, daemon, places


@pytest.mark.parametrize("start", [daemon.start, daemon.run_in_foreground])
def test_a_second_start_at_one_port_is_refused_and_leaves_the_first_ones_proxy_alone(
    start: Callable[[Path], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(places.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(places, "_LONGEST_FOLDER", 200)
    with socket.create_server(("127.0.0.1", 0)) as busy_service:  # listens, and never answers
        port = busy_service.getsockname()[1]
        proxys_socket = Path(places.own_environment(port)["RAY_SERVE_HAPROXY_SOCKET_PATH"])
        proxys_socket.touch()
        config = tmp_path / "serve_config.yaml"
        config.write_text(yaml.safe_dump({"http_options": {"host": "127.0.0.1", "port": port}}))
        with pytest.raises(Conflict, match="listens at"):
            start(config)
    assert proxys_socket.exists()


# Ends as Ray does when its processes are late, so often; then it is a service that is ready.
_SLOW_AT_FIRST = """
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

folder, port, failures = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
(folder / f"try-{len(list(folder.glob('try-*')))}").touch()
if len(list(folder.glob("try-*"))) <= failures:
    sys.exit("Exception: The current node timed out during startup. This could happen because")

class Ready(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

HTTPServer(("127.0.0.1", port), Ready).serve_forever()
"""


@pytest.fixture
def slow_at_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[int], tuple[Path, list[str]]]:
    """A configuration whose service fails so often while it starts, and what is then said."""

    def prepare(failures: int) -> tuple[Path, list[str]]:
        monkeypatch.chdir(tmp_path)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        config = tmp_path / "serve_config.yaml"
        config.write_text(yaml.safe_dump({"http_options": {"host": "127.0.0.1", "port": port}}))
        program = [sys.executable, "-c", _SLOW_AT_FIRST, str(tmp_path), str(port), str(failures)]
        monkeypatch.setattr(daemon, "command", lambda config: program)
        return config, []

    return prepare


def test_a_start_in_which_ray_was_slow_is_tried_once_more(
    slow_at_first: Callable[[int], tuple[Path, list[str]]], tmp_path: Path
) -> None:
    config, said = slow_at_first(1)
    service = daemon.start(config, say=said.append)
    try:
        assert daemon.Service.recorded() == service
        assert any("once more" in line for line in said)
    finally:
        daemon.stop(service, force=True)
    assert len(list(tmp_path.glob("try-*"))) == 2


def test_a_start_in_which_ray_is_slow_twice_ends_with_what_it_said(
    slow_at_first: Callable[[int], tuple[Path, list[str]]], tmp_path: Path
) -> None:
    config, said = slow_at_first(9)
    with pytest.raises(Unavailable, match="ended while it was starting") as refused:
        daemon.start(config, say=said.append)
    assert "timed out during startup" in (refused.value.hint or "")
    assert len(list(tmp_path.glob("try-*"))) == 2
    assert daemon.Service.recorded() is None


@pytest.fixture
def born_of_a_service() -> Iterator[subprocess.Popen[bytes]]:
    """A process that carries the mark of a service of this folder."""
    program = [sys.executable, "-c", "input()"]
    environment = {**os.environ, daemon.MARK: "of-the-last-service"}
    with subprocess.Popen(program, stdin=subprocess.PIPE, env=environment) as process:
        yield process
        process.kill()


def test_what_a_dead_service_left_running_is_ended_by_the_next_start(
    slow_at_first: Callable[[int], tuple[Path, list[str]]],
    born_of_a_service: subprocess.Popen[bytes],
) -> None:
    config, said = slow_at_first(0)
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    last = daemon.Service(dead.pid, "of-the-last-service", "http://127.0.0.1:1")
    last.save()
    assert last.processes()
    assert not last.lives()
    assert CliRunner().invoke(cli.app, ["status"]).stderr.startswith("The service that was started")
    service = daemon.start(config, say=said.append)
    try:
        assert born_of_a_service.wait(timeout=30) != 0
        assert daemon.Service.recorded() == service
        assert any("died; 1 of its processes" in line for line in said)
    finally:
        daemon.stop(service, force=True)


@pytest.mark.parametrize("start", [daemon.start, daemon.run_in_foreground])
def test_a_service_that_still_runs_is_not_started_over(
    start: Callable[..., Any],
    slow_at_first: Callable[[int], tuple[Path, list[str]]],
    born_of_a_service: subprocess.Popen[bytes],
) -> None:
    config, said = slow_at_first(0)
    daemon.Service(born_of_a_service.pid, "of-the-last-service", "http://127.0.0.1:1").save()
    with pytest.raises(Conflict, match="is still running"):
        start(config, say=said.append)
    assert born_of_a_service.poll() is None
    assert said == []
