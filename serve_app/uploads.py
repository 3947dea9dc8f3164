"""Multipart bodies, streamed to disk.

Bytes are parsed as they arrive and written by a worker thread, a megabyte at a time; the
next piece is read only after the last one is written. So a slow disk slows the sender down,
and memory stays the same for one kilobyte and for a gigabyte.

A file appears under its name only when it is whole. A sender that goes away leaves nothing.
"""

from __future__ import annotations

import hashlib
import threading
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Protocol

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool

from ray_pipeline.audio.foreign_files import HEAD_BYTES, plainly_no_sound
from ray_pipeline.core.errors import InvalidInput, NotFound, StorageFull
from ray_pipeline.core.upload_kinds import UploadKind, upload_kind
from ray_pipeline.core.workspace import PARTIAL_PREFIX, safe_file_name
from serve_app.upload_names import FIELD, file_name_of

_WRITE_BYTES = 1 << 20
_MAX_FILES = 1000


class ByteSource(Protocol):
    def stream(self) -> AsyncIterator[bytes]: ...


@dataclass(frozen=True)
class StoredFile:
    """`sent_as` is the name that it came with, which may have been taken."""

    path: Path
    sent_as: str
    size: int
    sha256: str


async def receive_files(
    body: ByteSource, content_type: str, folder: Path, language: str = "auto"
) -> list[StoredFile]:
    """Store every file of a multipart body in `folder`; other fields are passed over. `language`
    is the task's: it says how to read a file name that is not UTF-8.

    Either all of them are stored or none. Raises InvalidInput for a body that is not
    multipart, is cut off, has no file in the field `file`, or has an empty one; StorageFull;
    and NotFound when the task is deleted meanwhile.
    """
    return await receive(body, Receiver(folder, boundary_of(content_type), language))


async def receive(body: ByteSource, receiver: Receiver) -> list[StoredFile]:
    """As `receive_files`, by the rules of any receiver."""
    try:
        pending, waiting = [], 0
        async for chunk in body.stream():
            pending.append(chunk)
            waiting += len(chunk)
            if waiting >= _WRITE_BYTES:
                await run_in_threadpool(receiver.feed, b"".join(pending))
                pending, waiting = [], 0
        await run_in_threadpool(receiver.feed, b"".join(pending))
        return await run_in_threadpool(receiver.finish)
    finally:
        receiver.discard_partial()


def boundary_of(content_type: str) -> bytes:
    kind, parameters = parse_options_header(content_type)
    boundary = parameters.get(b"boundary", b"")
    if kind != b"multipart/form-data" or not boundary:
        raise InvalidInput(
            "An upload must be sent as multipart/form-data.",
            hint=f"Send the file in a form field named `{FIELD}`.",
            field=FIELD,
        )
    return boundary


@dataclass
class _Partial:
    """A file that is still being written."""

    name: str
    path: Path
    handle: BinaryIO
    digest: hashlib._Hash = field(default_factory=hashlib.sha256)
    size: int = 0

    def write(self, data: bytes) -> None:
        self.handle.write(data)
        self.digest.update(data)
        self.size += len(data)


class Receiver:
    """The parser's callbacks. Blocking; runs in worker threads, one call at a time."""

    def __init__(self, folder: Path, boundary: bytes, language: str) -> None:
        self._folder = folder
        self._language = language
        self._open: _Partial | None = None
        self._written: list[_Partial] = []
        self._headers: dict[str, bytes] = {}
        self._header_name = self._header_value = b""
        self._complete = False
        # A request that is cancelled leaves its thread running for a moment: the lock lets it
        # end before the partial files go, `_over` keeps it from making another.
        self._lock = threading.Lock()
        self._over = False
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._on_part_begin,
                    "on_header_field": self._on_header_name,
                    "on_header_value": self._on_header_value,
                    "on_header_end": self._on_header_end,
                    "on_headers_finished": self._on_headers_finished,
                    "on_part_data": self._on_part_data,
                    "on_part_end": self._on_part_end,
                    "on_end": self._on_end,
                },
            )
        except FormParserError as error:
            raise _malformed(str(error)) from None

    def feed(self, data: bytes) -> None:
        try:
            with self._lock, _disk_explained():
                self._parser.write(data)
        except FormParserError as error:
            raise _malformed(str(error)) from None

    def finish(self) -> list[StoredFile]:
        if not self._complete:
            raise _malformed("it ends in the middle")
        self._require_files()
        empty = [partial.name for partial in self._written if partial.size == 0]
        if empty:
            raise InvalidInput(
                f"{empty[0]!r} is empty (0 bytes).",
                hint="Check that the recording was saved, and upload it again.",
                field=FIELD,
            )
        self._refuse_foreign_files()
        stored: list[StoredFile] = []
        try:
            with _disk_explained():
                for partial in self._written:
                    stored.append(_publish(partial, self._folder))
        except BaseException:
            for file in stored:
                file.path.unlink(missing_ok=True)
            raise
        return stored

    def _require_files(self) -> None:
        if not self._written:
            raise InvalidInput(
                f"The upload holds no file in the field `{FIELD}`.",
                hint=f"Send one or several files in a form field named `{FIELD}`.",
                field=FIELD,
            )

    def _is_recording(self, name: str) -> bool:
        return upload_kind(name) is UploadKind.RECORDING

    def _refuse_foreign_files(self) -> None:
        """What is plainly no recording would be set aside by the first step, much later."""
        foreign = []
        for partial in self._written:
            if self._is_recording(partial.name):
                with _disk_explained(), partial.path.open("rb") as file:
                    kind = plainly_no_sound(file.read(HEAD_BYTES), partial.name)
                foreign += [f"{partial.name} is {kind}"] if kind else []
        if foreign:
            more = f" and {len(foreign) - 5} more files" if len(foreign) > 5 else ""
            raise InvalidInput(
                f"{', '.join(foreign[:5])}{more}: no recording. Nothing of this upload was kept.",
                hint="Upload audio or video files, transcripts as .txt or .list, pronunciations "
                "as .dict; unpack archives before.",
                field=FIELD,
                files=[sentence.rsplit(" is ", 1)[0] for sentence in foreign],
            )

    def discard_partial(self) -> None:
        """Remove what was not published. Quick, and harmless after `finish`."""
        with self._lock:
            self._over = True
            for partial in [*self._written, *([self._open] if self._open else [])]:
                partial.handle.close()
                partial.path.unlink(missing_ok=True)

    # -- called by the parser
    def _on_part_begin(self) -> None:
        self._headers = {}
        self._header_name = self._header_value = b""

    def _on_header_name(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _on_header_end(self) -> None:
        self._headers[self._header_name.decode("latin-1").lower()] = self._header_value
        self._header_name = self._header_value = b""

    def _on_headers_finished(self) -> None:
        name = file_name_of(self._headers.get("content-disposition", b""), self._language)
        if name is None or self._over:
            return
        if len(self._written) >= _MAX_FILES:
            raise InvalidInput(
                f"One upload may hold at most {_MAX_FILES} files.",
                hint="Send the rest in another upload.",
                field=FIELD,
            )
        safe = safe_file_name(name)
        # Without its parents: a task that was deleted meanwhile does not come back as a folder.
        self._folder.mkdir(exist_ok=True)
        path = self._folder / f"{PARTIAL_PREFIX}{uuid.uuid4().hex}"
        self._open = _Partial(safe, path, path.open("wb"))

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._open is not None and not self._over:
            self._open.write(data[start:end])

    def _on_part_end(self) -> None:
        if self._open is not None:
            self._open.handle.close()
            self._written.append(self._open)
            self._open = None

    def _on_end(self) -> None:
        self._complete = True


def _publish(partial: _Partial, folder: Path) -> StoredFile:
    path = _reserve(folder / partial.name)
    partial.path.replace(path)
    return StoredFile(path, partial.name, partial.size, partial.digest.hexdigest())


def _reserve(wanted: Path) -> Path:
    """`wanted`, or `name (2).wav`, `name (3).wav` …, created so that no other upload takes it."""
    candidate, number = wanted, 1
    while True:
        try:
            candidate.touch(exist_ok=False)
            return candidate
        except FileExistsError:
            number += 1
            candidate = wanted.with_name(f"{wanted.stem} ({number}){wanted.suffix}")


@contextmanager
def _disk_explained() -> Iterator[None]:
    """Says in our terms what writing into the task's folder can run into."""
    try:
        yield
    except FileNotFoundError:
        raise NotFound("The task was deleted while the upload was under way.") from None
    except OSError as error:
        raise StorageFull.of(error) or error from None


def _malformed(reason: str) -> InvalidInput:
    return InvalidInput(
        f"The multipart body cannot be read: {reason}.",
        hint="Send the upload again; if it keeps failing, send fewer files at a time.",
        field=FIELD,
    )
