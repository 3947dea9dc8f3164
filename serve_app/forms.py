"""Multipart bodies that hold files and what is said of them: text fields beside the files."""

from __future__ import annotations

import re
import shutil
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from python_multipart.multipart import parse_options_header
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from ray_pipeline.core.errors import InvalidInput
from serve_app.uploads import Receiver, StoredFile, boundary_of, receive

_MOST_TEXT_BYTES = 256_000
_MOST_FIELDS = 50
_HAS_FILE_NAME = re.compile(r"filename\*?\s*=", re.IGNORECASE)


@dataclass(frozen=True)
class Form:
    """`folder` is the request's own and goes when it has been answered."""

    folder: Path
    files: list[StoredFile]
    fields: dict[str, str]

    @property
    def said(self) -> bytes:
        """All that was sent, without the boundary, which is another each time."""
        files = [f"{file.sha256} {file.sent_as}" for file in self.files]
        fields = [f"{name}={value!r}" for name, value in sorted(self.fields.items())]
        return "\n".join([*files, *fields]).encode()


@asynccontextmanager
async def received_form(request: Request, incoming: Path) -> AsyncIterator[Form]:
    """The form of a request, its files in a new folder below `incoming`. Raises as
    `receive_files` does, but for a form without files, and InvalidInput for text too long."""
    folder = incoming / uuid.uuid4().hex
    boundary = boundary_of(request.headers.get("content-type", ""))
    try:
        await run_in_threadpool(folder.mkdir, parents=True)
        receiver = _FormReceiver(folder, boundary, "auto")
        files = await receive(request, receiver)
        yield Form(folder, files, receiver.fields)
    finally:
        await run_in_threadpool(shutil.rmtree, folder, ignore_errors=True)


class _FormReceiver(Receiver):
    def __init__(self, folder: Path, boundary: bytes, language: str) -> None:
        super().__init__(folder, boundary, language)
        self.fields: dict[str, str] = {}
        self._field: str | None = None
        self._text = bytearray()

    def _require_files(self) -> None: ...

    def _is_recording(self, name: str) -> bool:
        return super()._is_recording(name) and not name.lower().endswith(".zip")

    def _on_headers_finished(self) -> None:
        disposition = self._headers.get("content-disposition", b"").decode("latin-1")
        _, parameters = parse_options_header(disposition)
        name = parameters.get(b"name", b"").decode("utf-8", "replace")
        if _HAS_FILE_NAME.search(disposition) or not name:
            return super()._on_headers_finished()
        if name in self.fields or len(self.fields) >= _MOST_FIELDS:
            raise InvalidInput(
                f"The field {name[:80]!r} comes twice, or there are over {_MOST_FIELDS} fields.",
                hint="GET /docs lists the fields.",
                field=name[:80],
            )
        self._field = name
        self._text.clear()

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._field is None:
            return super()._on_part_data(data, start, end)
        self._text += data[start:end]
        if len(self._text) > _MOST_TEXT_BYTES:
            raise InvalidInput(
                f"The field {self._field[:80]!r} has over {_MOST_TEXT_BYTES:,} bytes.",
                hint="Send files with a file name, in the field `file`.",
                field=self._field[:80],
            )

    def _on_part_end(self) -> None:
        if self._field is None:
            return super()._on_part_end()
        try:
            self.fields[self._field] = self._text.decode()
        except UnicodeDecodeError:
            raise InvalidInput(
                f"The field {self._field[:80]!r} is not UTF-8.",
                hint="Send text as UTF-8.",
                field=self._field[:80],
            ) from None
        self._field = None
