"""Start and stop the service on this machine: `serve run` with the right variables around it.

Every process of a service (Ray's, Serve's, the proxy's) carries one mark in its environment.
So stopping can tell for certain whether anything of it is left, and never touches another
cluster of the same user.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psutil
import yaml

from ray_pipeline.core.errors import Conflict, InvalidInput, Unavailable
from ray_pipeline.core.workspace import atomic_write
from serve_app.places import keep_private, own_environment
from serve_app.settings import Settings, load_settings

MARK = "GSV_SERVICE_MARK"
CONFIG = Path("serve_config.yaml")
RUN_DIR = Path("run")
LOG_PATH = Path("logs/service.log")
READY_WITHIN_SECONDS = 180.0
STOP_WITHIN_SECONDS = 60.0
_POLL_SECONDS = 0.5
_SAY_EVERY_SECONDS = 5.0
# Ray gives its own processes 30 s, whatever it is told; on a busy machine they may need more.
_RAY_WAS_SLOW = "The current node timed out during startup"

# What server, command line and drivers must agree on (docs/deploy.md says why each is there).
ENVIRONMENT = {
    "RAY_AUTH_MODE": "token",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
    "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S": "0.2",
    "RAY_SERVE_ENABLE_HA_PROXY": "1",
    # Ray's own limits are too short for a machine that is busy with something else.
    "RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S": "30",
    "RAY_agent_register_timeout_ms": "120000",
}


@dataclass(frozen=True)
class Service:
    """A service that was started in the background; kept in run/service.json."""

    pid: int
    mark: str
    url: str

    @property
    def path(self) -> Path:
        return RUN_DIR / "service.json"

    def save(self) -> None:
        atomic_write(self.path, json.dumps(asdict(self)))

    @classmethod
    def recorded(cls) -> Service | None:
        try:
            return cls(**json.loads((RUN_DIR / "service.json").read_text()))
        except (FileNotFoundError, json.JSONDecodeError, TypeError):
            return None

    def processes(self) -> list[psutil.Process]:
        """Whatever runs with this service's mark, its own children's children included."""
        return [process for process in psutil.process_iter() if _mark_of(process) == self.mark]

    def lives(self) -> bool:
        """Whether its own process, the parent of all others, still runs."""
        return any(process.pid == self.pid for process in self.processes())


def _mark_of(process: psutil.Process) -> str | None:
    try:
        return process.environ().get(MARK)
    except (psutil.Error, OSError):  # gone, another user's, or a zombie
        return None


def serve_config(**overrides: Any) -> Path:
    """serve_config.yaml, or a copy under run/ in which the environment's and the given settings
    stand where Serve itself reads them (the address it listens on).

    Raises InvalidInput for settings that are refused, such as an open address without a key.
    """
    if not CONFIG.exists():
        raise InvalidInput(
            f"{CONFIG} is not in {Path.cwd()}.", hint="Run this in the project's folder."
        )
    config: dict[str, Any] = yaml.safe_load(CONFIG.read_text("utf-8"))
    application, http = config["applications"][0], config["http_options"]
    given = {name: value for name, value in overrides.items() if value is not None}
    arguments = (application.get("args") or {}) | given
    settings = load_settings(arguments)
    if not given and (settings.host, settings.port) == (http["host"], http["port"]):
        return CONFIG
    http |= {"host": settings.host, "port": settings.port}
    application["args"] = arguments
    path = RUN_DIR / CONFIG.name
    atomic_write(path, yaml.safe_dump(config, sort_keys=False))
    return path


def command(config: Path) -> list[str]:
    """In a cluster of its own, unless the environment names one: by itself Ray would join
    whatever `ray start` left on this machine, and stopping could not end it."""
    program = str(Path(sys.executable).with_name("serve"))
    return [program, "run", "--address", os.environ.get("RAY_ADDRESS") or "local", str(config)]


def run_in_foreground(config: Path, *, say: Callable[[str], None] = lambda line: None) -> None:
    """Become `serve run`; does not return. Ctrl-C stops it. Raises Conflict as `start` does."""
    _end_what_is_left(say)
    _require_free(_url(config))
    arguments = command(config)
    os.umask(keep_private(_settings(config)))
    os.execve(arguments[0], arguments, {**os.environ, **_environment(config)})


def start(config: Path, *, say: Callable[[str], None] = lambda line: None) -> Service:
    """Start in the background and wait until the service answers. What a service that died has
    left running is ended first.

    Raises Conflict when one runs already, Unavailable when it does not come up.
    """
    _end_what_is_left(say)
    url = _url(config)
    _require_free(url)
    LOG_PATH.parent.mkdir(parents=True, exist_ok=True)
    LOG_PATH.touch()
    log_before = LOG_PATH.stat().st_size
    say(f"Starting; the log is {LOG_PATH}")
    service, failure = _launch(config, url, say)
    if failure and _RAY_WAS_SLOW in _log_from(log_before):
        say("Ray did not come up within the 30 s that it gives itself: once more …")
        service, failure = _launch(config, url, say)
    if failure:
        tail = "\n".join(_log_from(log_before).splitlines()[-15:])
        raise Unavailable(failure, hint=f"The end of {LOG_PATH}:\n{tail}")
    return service


def _end_what_is_left(say: Callable[[str], None]) -> None:
    """End what is left of this folder's last service. Raises Conflict where the service itself
    still runs: only its user may end it."""
    if (previous := Service.recorded()) is None:
        return
    if previous.lives():
        raise Conflict(
            f"A service started from this folder is still running at {previous.url}.",
            hint="Stop it first: make stop.",
        )
    if left := previous.processes():
        say(f"The last service died; {len(left)} of its processes still run and are ended first …")
        stop(previous, force=True)


def _launch(config: Path, url: str, say: Callable[[str], None]) -> tuple[Service, str]:
    """Start, and wait until it answers; why it does not, once nothing of it is left."""
    mark = secrets.token_hex(8)
    with LOG_PATH.open("ab") as log:
        process = subprocess.Popen(
            command(config),
            stdout=log,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            umask=keep_private(_settings(config)),
            env={**os.environ, **_environment(config), MARK: mark},
        )
    service = Service(process.pid, mark, url)
    service.save()
    if failure := _wait_until_ready(service, process, say):
        stop(service, force=True)
    return service, failure


def _log_from(position: int) -> str:
    with LOG_PATH.open("rb") as log:
        log.seek(position)
        return log.read().decode("utf-8", "replace")


def _environment(config: Path) -> dict[str, str]:
    wanted = ENVIRONMENT | own_environment(int(_http_options(config).get("port", 8000)))
    return {name: os.environ.get(name, value) for name, value in wanted.items()}


def _http_options(config: Path) -> dict[str, Any]:
    options: dict[str, Any] = yaml.safe_load(config.read_text("utf-8")).get("http_options", {})
    return options


def _settings(config: Path) -> Settings:
    applications = yaml.safe_load(config.read_text("utf-8")).get("applications") or [{}]
    return load_settings(applications[0].get("args") or {})


def _url(config: Path) -> str:
    http = _http_options(config)
    host = http.get("host", "127.0.0.1")
    return f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{http.get('port', 8000)}"


def _require_free(url: str) -> None:
    """Before anything is made ready: the proxy of a service at this port would lose its files.

    The kernel is asked, not the service: one too busy to answer holds its port all the same.
    """
    if _is_taken(url):
        raise Conflict(
            f"Something else listens at {url} already.",
            hint="Stop it, or choose another port: gsv start --port 8001.",
        )


def _is_taken(url: str) -> bool:
    address = urlsplit(url)
    try:
        with socket.create_connection((address.hostname, address.port), timeout=2):
            return True
    except TimeoutError:  # its queue of connections is full
        return True
    except OSError:
        return False


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health/live", timeout=2).status_code < 500
    except httpx.HTTPError:
        return False


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health/ready", timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


def _wait_until_ready(
    service: Service, process: subprocess.Popen[bytes], say: Callable[[str], None]
) -> str:
    """Why it is not; nothing if it is. Says every few seconds what is being waited for: it takes
    half a minute."""
    started = said = time.monotonic()
    while (now := time.monotonic()) < started + READY_WITHIN_SECONDS:
        if process.poll() is not None:
            return "The service ended while it was starting."
        if _is_ready(service.url):
            return ""
        if now - said >= _SAY_EVERY_SECONDS:
            said = now
            stage = "the coordinator starts" if _answers(service.url) else "Ray is starting"
            say(f"{now - started:3.0f} s: {stage} …")
        time.sleep(_POLL_SECONDS)
    return f"The service did not come up within {READY_WITHIN_SECONDS:.0f} s."


def stop(service: Service, *, force: bool = False) -> int:
    """End the service and see that nothing of it is left; the number of processes ended by force.

    SIGTERM first, which lets requests in flight finish. After 60 s (with `force`, 10 s) what
    still runs is killed, and so is at once what a dead service left: the work is durable, so the
    next start takes it up again.
    """
    if itself := [one for one in service.processes() if one.pid == service.pid]:
        _signal(signal.SIGTERM, itself)
        _wait_until_gone(service, 10.0 if force else STOP_WITHIN_SECONDS)
    killed: set[int] = set()
    deadline = time.monotonic() + STOP_WITHIN_SECONDS
    # Until none is left: some are born while the others are being listed.
    while (left := service.processes()) and time.monotonic() < deadline:
        _signal(signal.SIGKILL, left)
        killed |= {process.pid for process in left}
        time.sleep(_POLL_SECONDS)
    service.path.unlink(missing_ok=True)
    return len(killed)


def _signal(number: signal.Signals, processes: list[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def _wait_until_gone(service: Service, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and service.processes():
        time.sleep(_POLL_SECONDS)
