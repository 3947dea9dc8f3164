"""Which files a task has, what each is, and its hash (taken once for each state of a file)."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from ray_pipeline.core.task import FileRecord
from ray_pipeline.core.upload_kinds import UploadKind, upload_kind
from ray_pipeline.core.workspace import Workspace, is_partial, sha256_of
from ray_pipeline.store import KnownFile

# By the first folder of a name; what is deeper in the experiment folder is told apart below.
_KIND_OF_FOLDER = {
    "input_audio": "input",
    "converted_wav": "converted",
    "sliced": "slice",
    "denoised": "denoised",
    "transcripts": "transcript",
    "output": "output",
    "manifests": "manifest",
}
_KIND_OF_FILE = {
    "training.log": "log",
    "task_config.json": "config",
    "config_s2.json": "config",
    "config_s1.yaml": "config",
}


def file_kind(name: str) -> str:
    """What a file of the task is, by its name relative to the task's folder."""
    parts = name.split("/")
    if len(parts) == 1:
        return _KIND_OF_FILE.get(name, "other")
    uploaded = parts[0] == "input_audio" and upload_kind(parts[-1]) is UploadKind.WEIGHTS
    if "_weights" in parts[0] or uploaded:
        return "weights"
    if parts[0] == "experiments":
        training = any(part.startswith("logs_s") for part in parts)
        return "checkpoint" if training else "feature"
    return _KIND_OF_FOLDER.get(parts[0], "other")


def scan(workspace: Workspace, known: Mapping[str, KnownFile]) -> list[KnownFile]:
    """Every file of the task. Unchanged ones (size and time) keep the hash that is known."""
    return [describe(workspace, path, known) for path in _files(workspace.root)]


def describe(workspace: Workspace, path: Path, known: Mapping[str, KnownFile]) -> KnownFile:
    name = workspace.relative(path)
    status = path.stat()
    before = known.get(name)
    if before and (before.record.size, before.changed_ns) == (status.st_size, status.st_mtime_ns):
        return before
    # The log grows with every line; a hash of it would be wrong before it is read.
    sha256 = "" if path == workspace.log_path else sha256_of(path)
    record = FileRecord(name=name, kind=file_kind(name), size=status.st_size, sha256=sha256)
    return KnownFile(record=record, changed_ns=status.st_mtime_ns)


def _files(root: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(folder, name)
            if not is_partial(path) and path.is_file():
                yield path
