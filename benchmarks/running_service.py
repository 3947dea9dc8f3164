"""A service for a benchmark: in a folder of its own, on a free port, stopped at the end."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path

from serve_app import daemon

PROJECT = Path(__file__).parents[1]


@contextmanager
def running_service(**settings: str) -> Iterator[daemon.Service]:
    """`settings` go into the environment, such as GSV_MAX_UPLOAD_MB="1000"."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    os.environ |= settings
    with tempfile.TemporaryDirectory(prefix="gsv-bench-") as folder, chdir(folder):
        shutil.copy(PROJECT / "serve_config.yaml", folder)
        service = daemon.start(daemon.serve_config(port=port))
        try:
            yield service
        finally:
            daemon.stop(service)
