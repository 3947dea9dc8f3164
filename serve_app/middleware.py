"""What happens to every request before a route sees it: limits, the API key, foreign pages.

Plain ASGI, because the body must be counted while it streams and WebSockets pass through too.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ray_pipeline.core.errors import TooLarge
from serve_app.errors import pipeline_problem, problem
from serve_app.haproxy import client_address
from serve_app.settings import Settings, is_loopback

MAX_JSON_BYTES = 8_000_000
_OPEN_PATHS = ("/", "/docs", "/redoc", "/openapi.json", "/favicon.ico")
_OPEN_PREFIXES = ("/health/", "/web/", "/docs/")
_TAKES_FILES = re.compile(r"/api/v1/(voices(/[^/]+/versions)?|detect)")
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


class BodyLimit:
    """Answers 413 as soon as a body is known to be too large: by its Content-Length before a
    byte is read, otherwise by counting."""

    def __init__(self, app: ASGIApp, limit_of: Callable[[str], int]) -> None:
        self._app = app
        self._limit_of = limit_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        limit = self._limit_of(scope["path"])
        declared = Headers(scope=scope).get("content-length", "")
        if declared.isdigit() and int(declared) > limit:
            return await pipeline_problem(_too_large(limit))(scope, receive, send)
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise _too_large(limit)
            return message

        return await self._app(scope, counted, send)


def takes_files(path: str) -> bool:
    """Whether what is sent there may be as large as recordings and weights are."""
    return path.endswith("/files/upload") or _TAKES_FILES.fullmatch(path) is not None


def body_limit_of(settings: Settings) -> Callable[[str], int]:
    """The largest body in bytes that a path takes."""

    def limit_of(path: str) -> int:
        return settings.max_upload_bytes if takes_files(path) else MAX_JSON_BYTES

    return limit_of


def _too_large(limit: int) -> TooLarge:
    return TooLarge(
        f"The request's body is over the limit of {limit / 1e6:g} MB.",
        hint="Send fewer or shorter files at a time. GSV_MAX_UPLOAD_MB sets the limit of uploads; "
        "a service that was not started by `make serve` or `gsv start` takes 64 MB at most.",
        limit_bytes=limit,
    )


class Guard:
    """Lets a request in that carries the API key; without a key, one that was meant for us.

    A service without a key listens on this machine only. Still, any web page open in a browser
    here could send it requests: those name a foreign `Origin`, or, after DNS rebinding, a
    foreign `Host`, and are refused.
    """

    def __init__(self, app: ASGIApp, api_key: str = "", open_here: Iterable[str] = ()) -> None:
        """Programs of this machine need no key for the paths `open_here`."""
        self._app = app
        self._api_key = api_key
        self._open_here = tuple(open_here)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return await self._app(scope, receive, send)
        refusal = self._refusal(scope)
        if refusal is None:
            return await self._app(scope, receive, send)
        if scope["type"] == "websocket":
            return await send({"type": "websocket.close", "code": 1008})
        return await refusal(scope, receive, send)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if self._api_key:
            if _is_open(scope["path"]) or self._has_key(headers):
                return None
            is_here = scope["path"] in self._open_here and _is_of_this_machine(scope, headers)
            if is_here and not _is_foreign(headers):
                return None
            return problem(
                401,
                "The API key is missing or wrong.",
                code="unauthorized",
                hint="Send it as `Authorization: Bearer KEY`.",
                headers={"WWW-Authenticate": "Bearer"},
            )
        unsafe = scope["type"] == "websocket" or scope["method"] not in _SAFE_METHODS
        if is_loopback(_host_name(headers.get("host", ""))) and not (
            unsafe and _is_foreign(headers)
        ):
            return None
        return problem(
            403,
            "This service answers only programs and pages of its own machine.",
            code="foreign_request",
            hint="Call it as http://127.0.0.1, or set GSV_API_KEY.",
        )

    def _has_key(self, headers: Headers) -> bool:
        scheme, _, key = headers.get("authorization", "").partition(" ")
        same = secrets.compare_digest(key.strip().encode(), self._api_key.encode())
        return scheme.lower() == "bearer" and same


def _is_open(path: str) -> bool:
    return path in _OPEN_PATHS or _starts_with_any(path, _OPEN_PREFIXES)


def _is_of_this_machine(scope: Scope, headers: Headers) -> bool:
    """Another proxy in front of ours would make everybody a neighbour: then nobody is one."""
    forwarded = any(name in headers for name in ("x-forwarded-for", "forwarded"))
    named = is_loopback(_host_name(headers.get("host", "")))
    return named and not forwarded and is_loopback(client_address(scope))


def _starts_with_any(path: str, prefixes: Iterable[str]) -> bool:
    return any(path.startswith(prefix) for prefix in prefixes)


def _is_foreign(headers: Headers) -> bool:
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != headers.get("host")


def _host_name(host: str) -> str:
    return urlsplit(f"//{host}").hostname or ""
