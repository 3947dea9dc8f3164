"""What a step made, from what, and whether it has to be made again.

One JSON file a step, `manifests/<step>.json`, with an entry a clip. An entry's `key` is a
fingerprint of everything the result depends on (input hashes, options, versions): the same
key and the outputs still there means that nothing has to be computed.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.workspace import Workspace, atomic_write

_FORMAT = 1


@dataclass
class ClipEntry:
    """One clip (or file) of a step. Paths are relative to the task's folder.

    `inputs` maps a path to its sha256; `reason` says why a clip was set aside, `facts` the same
    for programs, as StepFailed has it.
    """

    name: str
    key: str
    status: Literal["ok", "set_aside"] = "ok"
    reason: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)
    outputs: list[str] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)


@dataclass
class Manifest:
    step: StepName
    options: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    clips: dict[str, ClipEntry] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def load(cls, workspace: Workspace, step: StepName) -> Manifest:
        """The step's manifest, empty if it has none or an older program wrote it."""
        path = workspace.manifest_path(step)
        try:
            data = json.loads(path.read_text("utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):
            return cls(step)
        if data.get("format") != _FORMAT:
            return cls(step)
        clips = {entry["name"]: ClipEntry(**entry) for entry in data["clips"]}
        return cls(step, data["options"], data["versions"], clips, data["details"])

    def save(self, workspace: Workspace) -> None:
        """Puts the clips in the order of their names, too."""
        self.clips = dict(sorted(self.clips.items()))
        data = {
            "format": _FORMAT,
            "step": self.step.value,
            "options": self.options,
            "versions": self.versions,
            "details": self.details,
            "clips": [asdict(entry) for entry in self.clips.values()],
        }
        text = json.dumps(data, ensure_ascii=False, indent=1)
        atomic_write(workspace.manifest_path(self.step), text, durable=True)

    def add(self, entry: ClipEntry) -> None:
        self.clips[entry.name] = entry

    def usable(self) -> list[ClipEntry]:
        return [entry for entry in self.clips.values() if entry.status == "ok"]

    def set_aside(self) -> list[ClipEntry]:
        return [entry for entry in self.clips.values() if entry.status == "set_aside"]

    def reusable(self, name: str, key: str, workspace: Workspace) -> ClipEntry | None:
        """The entry of `name` if it was made from the same things and is still there."""
        entry = self.clips.get(name)
        if entry is None or entry.key != key:
            return None
        present = all((workspace.root / output).exists() for output in entry.outputs)
        return entry if present else None

    def digest(self) -> str:
        """Changes when any result changes; what follows is stale then."""
        return fingerprint(clips=sorted((e.name, e.key, e.status) for e in self.clips.values()))


def fingerprint(**parts: Any) -> str:
    """A short stable hash of plain data (anything that JSON can say; paths as their text)."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return value.as_posix()
    raise TypeError(f"cannot fingerprint a {type(value).__name__}")
