"""What must hold before the coordinator starts: one disk, up-to-date tables, one coordinator."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy
from sqlalchemy import make_url

from ray_pipeline.coordinator.holding import is_gone, this_process
from ray_pipeline.coordinator.settings import CoordinatorSettings
from ray_pipeline.core.errors import Unavailable
from ray_pipeline.core.workspace import finish_deletions
from ray_pipeline.library.keeping import Library
from ray_pipeline.store import Lease, Store, upgrade


def prepare(settings: CoordinatorSettings) -> tuple[Store, Lease]:
    """Check, migrate and become the one that writes. Raises Unavailable."""
    settings.tasks_dir.mkdir(parents=True, exist_ok=True)
    check_nodes(settings)
    upgrade(settings.database_url)
    store = Store(settings.database_url)
    lease = Lease(store, this_process())
    lease.take(is_gone)
    finish_deletions(settings.tasks_dir)
    Library(store, settings.data_dir).clean_up()
    return store, lease


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
