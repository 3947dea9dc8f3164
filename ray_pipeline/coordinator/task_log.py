"""training.log: what each step did, a line a time, readable by a person.

    2026-11-22 17:40:03 [slice_audio] 12 of 30: talk.mp3.wav

Tracebacks are there too, for whoever runs the service; their lines begin with `  |`, and
`read_log` leaves them out, because it is what clients see.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from datetime import UTC, datetime

from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.workspace import Workspace

_PRIVATE = "  | "


def append_log(
    workspace: Workspace, step: StepName | None, messages: Iterable[str], *, private: str = ""
) -> None:
    """Add lines; `private` is a traceback. Nothing happens if the task's folder is gone."""
    stamp = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
    place = f"[{step.value}]" if step else "[task]"
    lines = [f"{stamp} {place} {_one_line(message)}" for message in messages]
    lines += [_PRIVATE + line for line in private.splitlines()]
    if lines and workspace.root.is_dir():
        with workspace.log_path.open("a", encoding="utf-8") as log:
            log.write("\n".join(lines) + "\n")


def read_log(workspace: Workspace, *, tail: int | None = None, step: StepName | None = None) -> str:
    """The log without tracebacks: its last `tail` lines, of one step if asked. Times are UTC."""
    if not workspace.log_path.exists():
        return ""
    wanted = f" [{step.value}] " if step else ""
    kept: deque[str] = deque(maxlen=tail)
    with workspace.log_path.open(encoding="utf-8", errors="replace") as log:
        for line in log:
            if not line.startswith(_PRIVATE) and wanted in line:
                kept.append(line)
    return "".join(kept)


def _one_line(message: str) -> str:
    return " ".join(message.split())
