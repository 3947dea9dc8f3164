"""How much memory this process may still take, without a GPU: what the machine has left, or less
where a container or a service manager sets a limit (control groups of Linux, versions 1 and 2)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

# Files of a limit, of what is used, of details; and the detail that gives way when it has to.
_SECOND = ("memory.max", "memory.current", "memory.stat", "inactive_file")
_FIRST = (
    *("memory.limit_in_bytes", "memory.usage_in_bytes", "memory.stat"),
    "total_inactive_file",
)


def free_machine_bytes(
    root: Path = Path("/"),
    available: Callable[[], int] = lambda: int(psutil.virtual_memory().available),
) -> int:
    """`root` is where `proc` and `sys` lie."""
    return max(0, min([available(), *_left_in_groups(root)]))


def _left_in_groups(root: Path) -> Iterator[int]:
    """Of each group that this process is in and that has a limit."""
    mounted = root / "sys/fs/cgroup"
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:  # no Linux
        return
    for line in lines:
        number, controllers, name = line.split(":", 2)
        if number == "0" and not controllers:
            top, names = mounted, _SECOND
        elif "memory" in controllers.split(","):
            top, names = mounted / "memory", _FIRST
        else:
            continue
        folder = top / name.lstrip("/")
        # In a container the path may be the machine's while only its own top is mounted.
        for group in (folder, *folder.parents):
            if group.is_relative_to(top):
                yield from _left_in(group, *names)


def _left_in(group: Path, limit: str, used: str, details: str, reclaimable: str) -> Iterator[int]:
    try:
        most = int((group / limit).read_text())  # "max" is none
        taken = int((group / used).read_text())
        rows = (line.split() for line in (group / details).read_text().splitlines())
        given_back = {name: int(value) for name, value in rows}.get(reclaimable, 0)
    except (OSError, ValueError):
        return
    yield most - taken + given_back
