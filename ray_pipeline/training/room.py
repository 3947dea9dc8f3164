"""How much memory a worker of a training will find: on its GPU, or in the machine without one."""

from __future__ import annotations

import subprocess

from ray_pipeline.core.resources import WorkerPlan
from ray_pipeline.training.machine_memory import free_machine_bytes
from ray_pipeline.training.precision import precision_of_gpu
from ray_pipeline.training.preflight import Room

_QUERY = ("nvidia-smi", "--query-gpu=memory.free,compute_cap,name", "--format=csv,noheader,nounits")


def room_of_workers(workers: WorkerPlan) -> Room:
    """As it is now. Without GPUs the workers may all be on this machine, which they share then;
    with them one of the cards that Ray gives out is asked."""
    if not workers.use_gpu:
        return room_on_cpu(workers.num_workers)
    import ray

    asked = ray.remote(_room_on_gpu).options(name="memory", **workers.ray_options())
    room: Room = ray.get(asked.remote())
    return room


def room_on_cpu(num_workers: int) -> Room:
    return Room(free_machine_bytes() / num_workers / 1e9)


def _room_on_gpu() -> Room:
    """Of the card that this process sees, in a process that ends soon."""
    import torch

    free_bytes, _ = torch.cuda.mem_get_info()
    capability, name = torch.cuda.get_device_capability(), torch.cuda.get_device_name()
    half = precision_of_gpu(capability, name) != "float32"
    return Room(free_bytes / 1e9, on_gpu=True, half=half)


def room_of_cards_here() -> Room | None:
    """What the fullest card of this machine has left, asked without opening it; None if there is
    none, or nothing to ask with."""
    try:
        asked = subprocess.run(_QUERY, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return room_in(asked.stdout)


def room_in(answer: str) -> Room | None:
    """Of lines such as `22000, 8.9, NVIDIA L4`: MiB, compute capability, name."""
    rooms = []
    for line in answer.splitlines():
        try:
            mebibytes, capability, name = (part.strip() for part in line.split(",", 2))
            major, minor = (int(part) for part in capability.split("."))
            half = precision_of_gpu((major, minor), name) != "float32"
            rooms.append(Room(int(mebibytes) * 2**20 / 1e9, on_gpu=True, half=half))
        except ValueError:
            continue
    return min(rooms, key=lambda room: room.free_gb, default=None)
