"""Which folder a training works in: that of an interrupted run to go on with, or a new one.

A run's name holds the fingerprint of all it depends on, so other data or other options make
another run. `force` asks for a new one too, but only once: a forced run that was interrupted
is gone on with.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from ray_pipeline.core.workspace import atomic_write

_STATE = "run.json"


@dataclass(frozen=True)
class RunFolder:
    """`number` counts the runs of a step; `is_resumed` says that an attempt came before."""

    key: str
    number: int
    forced: bool
    finished: bool = False
    is_resumed: bool = False

    @property
    def name(self) -> str:
        return f"{self.key}-{self.number}"


def choose_run_folder(storage: Path, key: str, *, force: bool) -> RunFolder:
    """The unfinished run of `key` if there is one, else a new run; the folders of older runs
    are deleted then."""
    last = _read(storage)
    if last is not None and last.key == key and not last.finished and (last.forced or not force):
        return replace(last, is_resumed=True)
    run = RunFolder(key, number=last.number + 1 if last else 1, forced=force)
    _write(storage, run)
    for folder in storage.iterdir():
        if folder.is_dir() and folder.name != run.name:
            shutil.rmtree(folder, ignore_errors=True)
    return run


def mark_finished(storage: Path, run: RunFolder) -> None:
    _write(storage, replace(run, finished=True))


def _read(storage: Path) -> RunFolder | None:
    try:
        return RunFolder(**json.loads((storage / _STATE).read_text("utf-8")))
    except (FileNotFoundError, json.JSONDecodeError, TypeError):
        return None


def _write(storage: Path, run: RunFolder) -> None:
    state = asdict(replace(run, is_resumed=False))
    atomic_write(storage / _STATE, json.dumps(state), durable=True)
