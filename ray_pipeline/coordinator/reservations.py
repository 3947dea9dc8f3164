"""What trainings have reserved of the cluster, and its end.

Ray Train reserves CPUs and GPUs for its workers as a placement group, made by its controller, an
actor that the step's actor starts. A group lives as long as Ray's job, here: the service. Ray Train
lets a helper remove the group of a controller that was killed, but the helper hears of the group
only when all workers have started; a training that is cancelled before leaves it for ever. So the
coordinator itself removes every group of its job whose creator is dead.

A group carries no name of ours. What it belongs to is read from Ray's tables of groups and
actors: creator, the process that started the creator (`owner`), and whether it lives.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import ray


@dataclass(frozen=True)
class Reservation:
    """`owner` is the worker id of the process that started the creator: the step's actor for a
    training. `is_placed`: the resources are held; before that, they are waited for."""

    group_id: str
    owner: str
    is_placed: bool
    is_abandoned: bool
    cpus: float
    gpus: float


def reservations() -> list[Reservation]:
    """All that actors of this Ray job have made and nobody has removed."""
    accessor, gcs = _accessor(), _formats()
    job = ray.get_runtime_context().get_job_id()
    table = gcs.PlacementGroupTableData
    made = []
    for serialized in accessor.get_placement_group_table():
        group = table.FromString(serialized)
        by_an_actor = group.creator_actor_id.strip(b"\xff")
        if group.state == table.REMOVED or group.is_detached or not by_an_actor:
            continue
        if group.creator_job_id.hex() != job:
            continue
        creator = _actor(accessor, group.creator_actor_id)
        made.append(
            Reservation(
                group_id=group.placement_group_id.hex(),
                owner=creator.owner_address.worker_id.hex() if creator else "",
                is_placed=group.state == table.CREATED,
                is_abandoned=creator is None or creator.state == gcs.ActorTableData.DEAD,
                cpus=sum(bundle.unit_resources.get("CPU", 0.0) for bundle in group.bundles),
                gpus=sum(bundle.unit_resources.get("GPU", 0.0) for bundle in group.bundles),
            )
        )
    return made


def release_abandoned() -> list[Reservation]:
    """Give back what dead creators have reserved; what was given back."""
    from ray._raylet import PlacementGroupID
    from ray.util import remove_placement_group
    from ray.util.placement_group import PlacementGroup

    abandoned = [each for each in reservations() if each.is_abandoned]
    for each in abandoned:
        remove_placement_group(PlacementGroup(PlacementGroupID(bytes.fromhex(each.group_id))))
    return abandoned


def worker_id(actor: Any) -> str | None:
    """Of the process in which an actor lives; None before it has one."""
    info = _actor(_accessor(), actor._actor_id.binary())
    return info.address.worker_id.hex() if info else None


def _actor(accessor: Any, actor_id: bytes) -> Any | None:
    serialized = accessor.get_actor_info(ray.ActorID(actor_id))
    return None if serialized is None else _formats().ActorTableData.FromString(serialized)


def _accessor() -> Any:
    # Ray's public table of groups does not say who made them.
    return ray._private.state.state._connect_and_get_accessor()


def _formats() -> Any:
    from ray.core.generated import gcs_pb2

    return gcs_pb2
