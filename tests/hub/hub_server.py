"""A small hub on a free port that speaks the file endpoints of Hugging Face and ModelScope.

Large files are answered as the real hubs do: a HEAD with the checksum in X-Linked-Etag and a
redirection to another path, where ranges are honoured. Faults are switched on by a test.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

_LARGE_BYTES = 2_000  # the rest are plain git files, as small texts are on the hub


@dataclass
class SmallHub:
    """`files` by repository id and path. The faults: `breaks` is how often the next transfers
    are cut off after `break_after` bytes; `damaged` paths arrive with one byte changed."""

    files: Mapping[str, Mapping[str, bytes]]
    url: str = ""
    breaks: int = 0
    break_after: int = 0
    damaged: set[str] = field(default_factory=set)
    honours_ranges: bool = True
    status: int | None = None  # answered to every transfer instead of the file
    ranges: list[tuple[str, str | None]] = field(default_factory=list)  # (path, Range) served

    def content(self, repository: str, path: str) -> bytes | None:
        return self.files.get(repository, {}).get(path)


@contextmanager
def small_hub(files: Mapping[str, Mapping[str, bytes]]) -> Iterator[SmallHub]:
    hub = SmallHub(files)
    handler = type("Handler", (_Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)


class _Handler(BaseHTTPRequestHandler):
    hub: SmallHub
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        address = urlsplit(self.path)
        path, query = unquote(address.path), parse_qs(address.query)
        if found := re.fullmatch(r"/api/v1/models/([^/]+/[^/]+)/repo/files", path):
            self._modelscope_listing(found[1], query)
        elif found := re.fullmatch(r"/api/v1/models/([^/]+/[^/]+)/repo", path):
            self._transfer(found[1], query["FilePath"][0])
        elif found := re.fullmatch(r"/api/models/([^/]+/[^/]+)/tree/([^/]+)", path):
            self._huggingface_listing(found[1])
        elif found := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            self._resolve(found[1], found[3])
        elif found := re.fullmatch(r"/cdn/([^/]+/[^/]+)/(.+)", path):
            self._transfer(found[1], found[2])
        else:
            self._send(404)

    def _modelscope_listing(self, repository: str, query: dict[str, list[str]]) -> None:
        root = query.get("Root", [""])[0]
        rows = [
            {"Path": path, "Size": len(data), "Type": "blob", "Sha256": _sha256(data)}
            for path, data in self.hub.files.get(repository, {}).items()
            if path.startswith(root)
        ]
        folders = [{"Path": "folder", "Type": "tree"}]
        self._send_json({"Code": 200, "Data": {"Files": rows + folders}})

    def _huggingface_listing(self, repository: str) -> None:
        rows = [
            {"type": "file", "path": path, "size": len(data), "oid": _git_id(data)}
            for path, data in self.hub.files.get(repository, {}).items()
        ]
        self._send_json(rows)

    def _resolve(self, repository: str, path: str) -> None:
        data = self.hub.content(repository, path)
        if data is None:
            self._send(404, {"X-Error-Code": "EntryNotFound"})
        elif len(data) < _LARGE_BYTES:
            if self.command == "HEAD":
                commit = {"X-Repo-Commit": "0" * 40}
                self._send(200, {"ETag": f'"{_git_id(data)}"', **commit}, data)
            else:
                self._transfer(repository, path)
        else:
            headers = {
                "X-Repo-Commit": "0" * 40,
                "X-Linked-Etag": f'"{_sha256(data)}"',
                "X-Linked-Size": str(len(data)),
                # Another host, as in life: metadata is not asked of it.
                "Location": f"{self.hub.url.replace('127.0.0.1', 'localhost')}"
                f"/cdn/{repository}/{path}",
            }
            self._send(302, headers)

    def _transfer(self, repository: str, path: str) -> None:
        data = self.hub.content(repository, path)
        if self.hub.status is not None or data is None:
            self._send(self.hub.status or 404)
            return
        wanted = self.headers.get("Range")
        if self.command == "GET":
            self.hub.ranges.append((path, wanted))
        if path in self.hub.damaged:
            data = data[:-1] + bytes([data[-1] ^ 1])
        start = 0
        headers = {}
        if wanted and self.hub.honours_ranges:
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        self._send(206 if start else 200, headers, data[start:], may_break=True)

    def _send_json(self, content: object) -> None:
        body = json.dumps(content).encode()
        self._send(200, {"Content-Type": "application/json"}, body)

    def _send(
        self,
        status: int,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        *,
        may_break: bool = False,
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        if may_break and self.hub.breaks and len(body) > self.hub.break_after:
            self.hub.breaks -= 1
            body = body[: self.hub.break_after]
            self.close_connection = True
        self.wfile.write(body)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _git_id(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
