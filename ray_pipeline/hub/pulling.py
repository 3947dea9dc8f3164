"""Pulling published models into the models folder, and checking those that are there.

What was pulled is recorded in `.checksums.json` of the models folder: size, SHA-256, source and
time of each file. `verify` compares with that record and with the catalogue, and reads every
weight file through to see that it is what its place says.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from fnmatch import fnmatch
from pathlib import Path

import httpx

from ray_pipeline.core.errors import InvalidInput, PipelineError, Unavailable
from ray_pipeline.core.pretrained_bases import BASE_MODELS, is_present
from ray_pipeline.core.workspace import atomic_write, sha256_of
from ray_pipeline.hub.catalogue import KNOWN, Entry, Part, Repository, Source, entry
from ray_pipeline.hub.fetching import fetch, matches, new_client
from ray_pipeline.hub.hubs import Hub, RemoteFile, hub_for

RECORD = ".checksums.json"
_PARTS = ".downloads"
# In repositories that are taken whole: what no model needs.
_LEFT_OUT = ("*.md", ".*", "*/.*", "example/*", "fig/*", "examples/*", "*.png", "*.jpg", "*.wav")


@dataclass(frozen=True)
class PullProgress:
    """`done` of `total` bytes of `file`, the `number`th (from 1) of `num_files`; `total` is
    None while it is unknown. `is_new` is False for a file that was there already."""

    file: str
    done: int
    total: int | None
    number: int
    num_files: int
    is_new: bool = True


OnProgress = Callable[[PullProgress], None]


@dataclass(frozen=True)
class Recorded:
    size: int
    sha256: str
    source: str
    pulled_at: str


@dataclass(frozen=True)
class Checked:
    """What `verify` found: `ok` False needs action, None could not be fully judged."""

    file: str
    ok: bool | None
    detail: str


def pull(
    name: str,
    models_dir: Path,
    source: Source | str | None = None,
    on_progress: OnProgress | None = None,
    *,
    hub: Hub | None = None,
    pause_seconds: float = 1.0,
) -> list[str]:
    """Fetch every file of a catalogue entry that is not there yet; their paths, relative to the
    models folder, are returned. Without a `source`, the first that has everything is taken.
    `pause_seconds` is the first pause after a break in the transfer.

    Files that are there already and have the published checksum are left alone; others of the
    same name are replaced. Raises InvalidInput for an unknown name or source, Unavailable when
    the source cannot be reached, StorageFull, BackendMissing when the source lacks a file, and
    BadModelFile when a file arrives damaged.
    """
    row = entry(name)
    if not row.parts:
        return []
    chosen = _source(row, source)
    hub = hub or hub_for(chosen)
    wanted = [
        (part, _as_catalogued(part, remote, hub.title))
        for part in row.parts
        for remote in _remote_files(hub, part, chosen)
    ]
    files = []
    with new_client() as client:
        for number, (part, remote) in enumerate(wanted, start=1):
            path = part.path(remote.path)
            if not (models_dir / path).exists() and is_present(path, models_dir):
                continue  # the same weights in the library's newer spelling
            tell = _Teller(path, remote.size, number, len(wanted), on_progress)
            sha256 = _pull_one(client, remote, models_dir, tell, hub.title, pause_seconds)
            _record(models_dir, path, sha256, part.sources[chosen])
            files.append(path)
    _remove_if_empty(models_dir / _PARTS)
    return files


def _source(row: Entry, wanted: Source | str | None) -> Source:
    if wanted is None:
        return row.sources[0]
    if wanted not in list(Source):
        raise InvalidInput(
            f"There is no source {wanted!r}.", hint=f"Use one of {', '.join(Source)}."
        )
    if wanted not in row.sources:
        raise InvalidInput(
            f"{row.name} is not published on {wanted}.",
            hint=f"Use --source {row.sources[0]}.",
        )
    return Source(wanted)


def _remote_files(hub: Hub, part: Part, source: Source) -> list[RemoteFile]:
    repository: Repository = part.sources[source]
    files = hub.describe(repository, part.files)
    if part.whole:
        others = [file for file in hub.names(repository) if file not in part.files]
        files += hub.describe(
            repository,
            [file for file in others if not any(fnmatch(file, skip) for skip in _LEFT_OUT)],
        )
    return files


def _as_catalogued(part: Part, remote: RemoteFile, title: str) -> RemoteFile:
    """The file with the checksum that the catalogue knows. That a source offers another release
    is found out before anything is downloaded; where it publishes no checksum, afterwards."""
    known = KNOWN.get(part.path(remote.path))
    if known is None or known.sha256 is None:
        return remote
    if remote.sha256 not in (None, known.sha256):
        raise Unavailable(
            f"{remote.path} on {title} is not the release that this version knows.",
            hint="Use another --source, or copy the file into the models folder by hand if you "
            "trust it.",
        )
    return replace(remote, sha256=known.sha256)


@dataclass(frozen=True)
class _Teller:
    path: str
    total: int | None
    number: int
    num_files: int
    on_progress: OnProgress | None

    def __call__(self, done: int, *, is_new: bool = True) -> None:
        if self.on_progress:
            self.on_progress(
                PullProgress(self.path, done, self.total, self.number, self.num_files, is_new)
            )


def _pull_one(
    client: httpx.Client,
    remote: RemoteFile,
    models_dir: Path,
    tell: _Teller,
    title: str,
    pause_seconds: float,
) -> str:
    """Have the file in its place; its SHA-256 is returned."""
    target = models_dir / tell.path
    if matches(remote, target):
        tell(target.stat().st_size, is_new=False)
        return remote.sha256 or sha256_of(target)
    tell(0)
    return fetch(
        client,
        remote,
        target,
        models_dir / _PARTS,
        title=title,
        on_bytes=tell,
        pause_seconds=pause_seconds,
    )


def _remove_if_empty(folder: Path) -> None:
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def records(models_dir: Path) -> dict[str, Recorded]:
    """What was pulled, by path; a damaged record counts as none."""
    try:
        rows = json.loads((models_dir / RECORD).read_text("utf-8"))["files"]
        return {path: Recorded(**row) for path, row in rows.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _record(models_dir: Path, path: str, sha256: str, repository: Repository) -> None:
    rows = records(models_dir)
    size = (models_dir / path).stat().st_size
    old = rows.get(path)
    if old and (old.size, old.sha256) == (size, sha256):
        return
    source = f"{repository.id}@{repository.revision}"
    rows[path] = Recorded(size, sha256, source, datetime.now(UTC).isoformat(timespec="seconds"))
    content = {"files": {path: asdict(row) for path, row in sorted(rows.items())}}
    atomic_write(models_dir / RECORD, json.dumps(content, indent=2) + "\n")


# -- checking


def verify(name: str, models_dir: Path) -> list[Checked]:
    """Compare every file of an entry with its record and the catalogue, and read weight files
    through. Raises InvalidInput for an unknown name."""
    row = entry(name)
    recorded = records(models_dir)
    paths = list(row.paths)
    folders = tuple(f"{part.folder}/" for part in row.parts if part.folder)
    paths += [path for path in recorded if folders and path.startswith(folders)]
    return [_check(row, path, models_dir, recorded) for path in dict.fromkeys(paths)]


def _check(row: Entry, path: str, models_dir: Path, recorded: dict[str, Recorded]) -> Checked:
    file = models_dir / path
    if not file.is_file():
        newer = is_present(path, models_dir)
        return Checked(path, newer, "as model.safetensors" if newer else "missing")
    problem = _difference(file, recorded.get(path), KNOWN[path].sha256 if path in KNOWN else None)
    if problem:
        return Checked(path, False, problem)
    from ray_pipeline.hub.file_check import check_content  # loads torch

    try:
        content = check_content(file, path, BASE_MODELS.get(row.name))
    except PipelineError as error:
        return Checked(path, False, error.message)
    if path in recorded or (path in KNOWN and KNOWN[path].sha256):
        return Checked(path, True, content or "as published")
    return Checked(path, None, f"{content or 'there'}; no checksum to compare with")


def _difference(file: Path, recorded: Recorded | None, known_sha256: str | None) -> str:
    size = file.stat().st_size
    if recorded and size != recorded.size:
        return f"{size:,} bytes instead of {recorded.size:,}: pull it again"
    wanted = known_sha256 or (recorded.sha256 if recorded else None)
    if wanted and sha256_of(file) != wanted:
        return "the checksum is another: pull it again"
    return ""
