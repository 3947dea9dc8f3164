"""Fetching one published file: resumed where it stopped, checked, and there whole or not at all.

The bytes arrive in a `.part` file named after the checksum they shall have, so that a later
call, in this process or another, goes on with them, and never with the bytes of another
release. (huggingface_hub 2 throws a half-arrived file away when its process ends, which for
files of gigabytes is too early.)
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import httpx

from ray_pipeline.core.errors import BadModelFile, PipelineError, StorageFull, Unavailable
from ray_pipeline.hub.hubs import RemoteFile, refused, unreachable

OnBytes = Callable[[int], None]  # called with the number of bytes that have arrived in all

_CHUNK_BYTES = 1 << 20
_MAX_TRIES = 6  # without a single new byte
_MAX_PAUSE_SECONDS = 10.0
_TIMEOUT = httpx.Timeout(30.0, connect=15.0)
_SPARE_BYTES = 50_000_000


def new_client() -> httpx.Client:
    """A client for any number of `fetch`."""
    return httpx.Client(timeout=_TIMEOUT, follow_redirects=True)


def fetch(
    client: httpx.Client,
    remote: RemoteFile,
    target: Path,
    parts_dir: Path,
    *,
    title: str,
    on_bytes: OnBytes,
    pause_seconds: float = 1.0,
) -> str:
    """Put the file at `target`, replacing what is there, and return its SHA-256.

    Breaks in the transfer are bridged by asking for the rest, with pauses that double from
    `pause_seconds`. Raises Unavailable when the hub stays away or the disk is full (what has
    arrived is kept), BackendMissing when the hub does not have the file, and BadModelFile when
    what arrived is not the file that was announced (nothing is kept).
    """
    partial = parts_dir / _partial_name(remote)
    try:
        parts_dir.mkdir(parents=True, exist_ok=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("ab") as file:
            _lock(file, remote)
            _check_room(remote, file, parts_dir)
            _receive(client, remote, file, title, on_bytes, pause_seconds)
            file.flush()
            os.fsync(file.fileno())
            sha256 = _checked(remote, partial, title)
            partial.replace(target)
    except OSError as error:
        raise _disk_error(error, target) from error
    return sha256


def matches(remote: RemoteFile, path: Path) -> bool:
    """Whether the file at `path` is the published one, by size and checksum."""
    if not path.is_file() or (remote.size is not None and path.stat().st_size != remote.size):
        return False
    if remote.sha256:
        return digests(path)[0] == remote.sha256
    return remote.git_sha1 is None or digests(path)[1] == remote.git_sha1


def digests(path: Path) -> tuple[str, str]:
    """SHA-256 of the content, and the id that git gives to it."""
    sha256 = hashlib.sha256()
    git = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            sha256.update(chunk)
            git.update(chunk)
    return sha256.hexdigest(), git.hexdigest()


def _partial_name(remote: RemoteFile) -> str:
    identity = remote.sha256 or remote.git_sha1 or f"{remote.url} {remote.size}"
    return hashlib.sha256(identity.encode()).hexdigest()[:32] + ".part"


def _lock(file: BinaryIO, remote: RemoteFile) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Unavailable(
            f"{remote.path} is being downloaded by another process.",
            hint="Wait until it is done.",
        ) from None


def _check_room(remote: RemoteFile, file: BinaryIO, folder: Path) -> None:
    wanted = max(0, (remote.size or 0) - file.tell())
    if wanted and shutil.disk_usage(folder).free < wanted + _SPARE_BYTES:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _receive(
    client: httpx.Client,
    remote: RemoteFile,
    file: BinaryIO,
    title: str,
    on_bytes: OnBytes,
    pause_seconds: float,
) -> None:
    """Ask again and again for what is missing, until it is there."""
    tries = 0
    if remote.size is None:
        file.truncate(0)  # how much is missing cannot be known
        file.seek(0)
    while remote.size is None or file.tell() < remote.size:
        before = file.tell()
        problem: Exception | None = None
        try:
            _receive_rest(client, remote, file, title, on_bytes)
            if remote.size is None:
                return
        except (httpx.TransportError, Unavailable) as error:
            problem = error
        tries = 0 if file.tell() > before else tries + 1
        if tries >= _MAX_TRIES:
            raise _given_up(problem, title) from problem
        if problem:
            time.sleep(min(_MAX_PAUSE_SECONDS, pause_seconds * 2**tries))


def _given_up(problem: Exception | None, title: str) -> PipelineError:
    if isinstance(problem, PipelineError):
        return problem
    return unreachable(title, problem or EOFError("it sends nothing"))


def _receive_rest(
    client: httpx.Client, remote: RemoteFile, file: BinaryIO, title: str, on_bytes: OnBytes
) -> None:
    start = file.tell()
    # Without compression, or the ranges would not be those of the file.
    headers = {**remote.headers, "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    with client.stream("GET", remote.url, headers=headers) as answer:
        if answer.status_code >= 400:
            raise refused(answer.status_code, remote.path, title)
        if start and answer.status_code != httpx.codes.PARTIAL_CONTENT:
            file.truncate(0)
            file.seek(0)
        # In pieces as they come: what is gathered into larger ones is lost in a break.
        for chunk in answer.iter_raw():
            file.write(chunk)
            on_bytes(file.tell())


def _checked(remote: RemoteFile, partial: Path, title: str) -> str:
    size = partial.stat().st_size
    sha256, git_sha1 = digests(partial)
    problem = ""
    if remote.size is not None and size != remote.size:
        problem = f"it has {size:,} bytes instead of {remote.size:,}"
    elif (remote.sha256 or sha256) != sha256 or (remote.git_sha1 or git_sha1) != git_sha1:
        problem = "its checksum is another"
    if problem:
        partial.unlink()
        raise BadModelFile(
            f"What arrived from {title} as {remote.path} is not the published file: {problem}. "
            "It was not kept.",
            hint="Try again; if it happens again, use another --source.",
        )
    return sha256


def _disk_error(error: OSError, target: Path) -> PipelineError:
    if StorageFull.of(error):
        existing = next(folder for folder in target.parents if folder.exists())
        free = shutil.disk_usage(existing).free / 1e6
        return StorageFull(
            f"There is no room for {target.name}: {free:,.0f} MB are free.",
            hint="Free some space, or set GSV_MODELS_DIR to a folder on another disk, and pull "
            "again: what has arrived is kept.",
        )
    return Unavailable(
        f"{target.name} cannot be written: {error.strerror}.",
        hint="Check that the models folder may be written to.",
    )
