"""Named points inside the writing of files at which a test may stop a process, like a power cut.

Off unless the environment variable `GSV_STOP_AT` names a file. That file holds a point and a
pattern of file names, as in `written G_*.pth`: the first process that comes by the point with
such a file removes the order, so that it is carried out once, and kills itself with SIGKILL. No
handler, no `finally` and no buffer of Python has a say then.

    written   all bytes are in the temporary file, and the name still shows the old one
    renamed   the name shows the new file, and nothing after it has happened
    linked    a link to a checkpoint is made under a temporary name
"""

from __future__ import annotations

import os
import signal
from fnmatch import fnmatch
from pathlib import Path
from typing import Literal

VARIABLE = "GSV_STOP_AT"

Point = Literal["written", "renamed", "linked"]


def pass_by(point: Point, path: Path) -> None:
    """`path` is the name that the file has, or will have, for its readers."""
    order = os.environ.get(VARIABLE)
    if order is not None:
        _obey(Path(order), point, path)


def _obey(order: Path, point: Point, path: Path) -> None:
    try:
        wanted, _, pattern = order.read_text("utf-8").strip().partition(" ")
    except FileNotFoundError:  # carried out already
        return
    if wanted == point and fnmatch(path.name, pattern):
        order.unlink(missing_ok=True)
        os.kill(os.getpid(), signal.SIGKILL)
