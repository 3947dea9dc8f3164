"""What must hold before the coordinator starts: up-to-date tables, one coordinator, one disk."""

from __future__ import annotations

import fcntl
import os
import time
import uuid
from pathlib import Path
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy
from sqlalchemy import make_url, text

from ray_pipeline.coordinator.settings import CoordinatorSettings
from ray_pipeline.core.errors import Unavailable
from ray_pipeline.core.workspace import finish_deletions
from ray_pipeline.store import make_engine, upgrade

# An old coordinator killed with its cluster is gone within seconds.
_LOCK_TIMEOUT_SECONDS = 20.0
_ADVISORY_KEY = 0x67737600  # any fixed number; this one spells "gsv"


def prepare(settings: CoordinatorSettings) -> Any:
    """Check and migrate. What it returns keeps the lock and must be kept. Raises Unavailable."""
    settings.tasks_dir.mkdir(parents=True, exist_ok=True)
    check_nodes(settings)
    upgrade(settings.database_url)
    lock = take_lock(settings)
    finish_deletions(settings.tasks_dir)
    return lock


def check_nodes(settings: CoordinatorSettings) -> None:
    """Raises Unavailable where several nodes have SQLite, or do not share the data folder."""
    nodes = [node["NodeID"] for node in ray.nodes() if node["Alive"]]
    if len(nodes) < 2:
        return
    if make_url(settings.database_url).get_backend_name() == "sqlite":
        raise Unavailable(
            f"This cluster has {len(nodes)} nodes, and SQLite serves one only.",
            hint="Set GSV_DATABASE_URL to a PostgreSQL database.",
        )
    blind = _nodes_without(settings.data_dir, nodes)
    if blind:
        raise Unavailable(
            f"{len(blind)} of {len(nodes)} nodes do not see the data folder "
            f"{settings.data_dir} of the coordinator's node.",
            hint="Put GSV_DATA_DIR on storage that every node mounts under the same path.",
        )


def _nodes_without(data_dir: Path, nodes: list[str]) -> list[str]:
    """The nodes that cannot read what was just written here."""
    marker = data_dir / f".shared-{uuid.uuid4().hex}"
    word = uuid.uuid4().hex
    marker.write_text(word)
    try:
        asked = {node: _read_there(marker, node) for node in nodes}
        return [node for node, answer in asked.items() if ray.get(answer, timeout=60) != word]
    finally:
        marker.unlink(missing_ok=True)


def _read_there(marker: Path, node: str) -> Any:
    here = NodeAffinitySchedulingStrategy(node, soft=False)
    read = ray.remote(_read_marker).options(num_cpus=0, scheduling_strategy=here)
    return read.remote(marker)


def _read_marker(marker: Path) -> str:
    try:
        return marker.read_text()
    except OSError:
        return ""


def take_lock(settings: CoordinatorSettings) -> Any:
    """Be the only coordinator of this database. It ends with the process, however that ends.

    Raises Unavailable if another one stays alive.
    """
    deadline = time.monotonic() + _LOCK_TIMEOUT_SECONDS
    backend = make_url(settings.database_url).get_backend_name()
    try_lock = _try_file_lock if backend == "sqlite" else _try_advisory_lock
    while time.monotonic() < deadline:
        lock = try_lock(settings)
        if lock is not None:
            return lock
        time.sleep(0.1)
    raise Unavailable(
        "Another coordinator works on the same database.",
        hint="Stop the other service, or give this one its own GSV_DATA_DIR and database.",
    )


def _try_file_lock(settings: CoordinatorSettings) -> Any | None:
    descriptor = os.open(settings.data_dir / "coordinator.lock", os.O_CREAT | os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def _try_advisory_lock(settings: CoordinatorSettings) -> Any | None:
    engine = make_engine(settings.database_url)
    connection = engine.connect()
    query = text("select pg_try_advisory_lock(:key)")
    if connection.scalar(query, {"key": _ADVISORY_KEY}):
        connection.commit()  # the lock belongs to the session; no transaction stays open
        return connection
    connection.close()
    engine.dispose()
    return None
