"""Named points of the work at which a test may stop a process, like a power cut, or hold it.

Off unless the environment variable `GSV_STOP_AT` names a file with orders, a line each: a point
and a pattern of names, as in `written G_*.pth`. The first process that comes by the point with
such a name removes the orders, so that they are carried out once, and kills itself with SIGKILL.
No handler, no `finally` and no buffer of Python has a say then.

With `hold` before it, as in `hold half slice_audio`, who comes by waits until the line is gone,
and a file beside the orders, named like the line, says that somebody does.

    of a file, by its name
    written   all bytes are in the temporary file, and the name still shows the old one
    renamed   the name shows the new file, and nothing after it has happened
    linked    a link to a checkpoint is made under a temporary name

    of an attempt at a step, by the step's name
    begun     its process is there, and nothing is done
    half      half of its units are done or more, but not all
    made      everything is made, and nobody knows it yet
"""

from __future__ import annotations

import os
import signal
import time
from fnmatch import fnmatch
from pathlib import Path
from typing import Literal

VARIABLE = "GSV_STOP_AT"

Point = Literal["written", "renamed", "linked", "begun", "half", "made"]

_HOLD = "hold "
_LOOK_SECONDS = 0.05


def pass_by(point: Point, name: str) -> None:
    """`name` of a file is the one that it has, or will have, for its readers."""
    orders = os.environ.get(VARIABLE)
    if orders is not None:
        _obey(Path(orders), point, name)


def _obey(orders: Path, point: Point, name: str) -> None:
    for line in _lines(orders):
        wanted, _, pattern = line.removeprefix(_HOLD).partition(" ")
        if wanted != point or not fnmatch(name, pattern):
            continue
        if line.startswith(_HOLD):
            _hold(orders, line)
        else:
            orders.unlink(missing_ok=True)
            os.kill(os.getpid(), signal.SIGKILL)


def _hold(orders: Path, line: str) -> None:
    orders.with_name(line).touch()
    while line in _lines(orders):
        time.sleep(_LOOK_SECONDS)


def _lines(orders: Path) -> list[str]:
    """None are left once they are carried out or taken back."""
    try:
        return orders.read_text("utf-8").splitlines()
    except FileNotFoundError:
        return []
