"""A real service in a folder of its own, started and ended the way a user does it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import requests

PROJECT = Path(__file__).parents[2]
_GSV = Path(sys.executable).with_name("gsv")

# The default proxy, not HAProxy: the latter uses fixed ports, and a service may be running.
_ENVIRONMENT = {
    "RAY_AUTH_MODE": "token",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_SERVE_ENABLE_HA_PROXY": "0",
}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class RunningService:
    """`folder` keeps data, log and record, so the service can be started again on them.
    `environment` is what a user would export."""

    def __init__(self, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self._environment = {**_ENVIRONMENT, **(environment or {})}
        self.port = free_port()
        shutil.copy(PROJECT / "serve_config.yaml", folder)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def data_dir(self) -> Path:
        return self.folder / "data"

    def events(self, task_id: str) -> list[dict[str, Any]]:
        """All events of a task so far, page by page."""
        found: list[dict[str, Any]] = []
        after = 0
        while True:
            address = f"{self.url}/api/v1/task/{task_id}/events?after={after}"
            page = requests.get(address, timeout=30).json()["events"]
            if not page:
                return found
            found += page
            after = page[-1]["seq"]

    def start(self) -> None:
        self._gsv("start", "--daemon", "--port", str(self.port))

    def stop(self) -> None:
        self._gsv("stop")

    def kill(self) -> int:
        """SIGKILL for every process of the service, as a power cut would do. Until none is left:
        some are born while the others are being listed."""
        killed = 0
        while processes := processes_with_mark(self.mark()):
            for process in processes:
                with suppress(psutil.NoSuchProcess):  # ended with its parent
                    process.kill()
            psutil.wait_procs(processes, timeout=30)
            killed += len(processes)
        return killed

    def mark(self) -> str:
        return str(json.loads((self.folder / "run/service.json").read_text())["mark"])

    def status(self) -> str:
        return self._gsv("status")

    def _gsv(self, *arguments: str) -> str:
        done = subprocess.run(
            [_GSV, *arguments],
            cwd=self.folder,
            env={**os.environ, **self._environment, "GSV_DATA_DIR": str(self.data_dir)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"gsv {arguments}:\n{done.stdout}\n{done.stderr}"
        return done.stdout


def processes_with_mark(mark: str) -> list[psutil.Process]:
    from serve_app.daemon import Service

    return Service(pid=0, mark=mark, url="").processes()
