"""HTTP's own rules where a route would have to repeat them: HEAD, Range, Content-Encoding, and
one header that every answer carries.

Plain ASGI, around everything else; no rule of the service is in here.
"""

from __future__ import annotations

import anyio
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serve_app.errors import NO_SNIFFING, problem


class HeadAsGet:
    """A HEAD is answered as the GET would be, up to its first byte.

    The work behind it ends there: of a stream that never ends, too, only the header is sent.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            return await self._app(scope, receive, send)
        with anyio.CancelScope() as work:

            async def header_only(message: Message) -> None:
                if message["type"] != "http.response.start":
                    return
                await send(message)
                await send({"type": "http.response.body", "body": b""})
                work.cancel()

            await self._app({**scope, "method": "GET"}, receive, header_only)


class AnswerRules:
    """What a range asks for in another unit than bytes is ignored (RFC 9110, 14.2); a range that
    is refused is a problem document, as every refusal; and no answer's type is guessed at."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        asked = Headers(scope=scope).get("range")
        if asked is not None and asked.partition("=")[0].strip().lower() != "bytes":
            scope, asked = _without(scope, b"range"), None
        refusal: Response | None = None

        async def checked(message: Message) -> None:
            nonlocal refusal
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(NO_SNIFFING)
                if asked is not None and message["status"] in (400, 416):
                    refusal = _range_refused(asked, message["status"], headers)
            if refusal is None:
                await send(message)

        await self._app(scope, receive, checked)
        if refusal is not None:
            await refusal(scope, receive, send)


def _without(scope: Scope, name: bytes) -> Scope:
    return {**scope, "headers": [item for item in scope["headers"] if item[0] != name]}


def _range_refused(asked: str, status: int, headers: Headers) -> Response | None:
    """None for an answer that is a problem document already: about something else."""
    if not headers.get("content-type", "").startswith("text/plain"):
        return None
    size = headers.get("content-range", "").removeprefix("bytes */")
    if status == 416:
        sentence = f"The range {asked[:100]!r} begins after the end of the file"
        sentence += f", which has {size} bytes." if size else "."
    else:
        sentence = f"The range {asked[:100]!r} cannot be read."
    return problem(
        status,
        sentence,
        code="range_not_satisfiable" if status == 416 else "malformed_range",
        hint="Write it as `Range: bytes=0-1023`, or leave it out for the whole file.",
        headers={"Content-Range": headers["content-range"]} if size else None,
    )


class PlainBodies:
    """Refuses a compressed body, which nothing here would unpack. RFC 9110, 15.5.16: 415, and
    `Accept-Encoding` says what is taken."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        encoding = Headers(scope=scope).get("content-encoding", "").strip().lower()
        if encoding in ("", "identity"):
            return await self._app(scope, receive, send)
        refusal = problem(
            415,
            f"The request's body is compressed ({encoding[:40]}), which is not taken.",
            code="unsupported_media_type",
            hint="Send it as it is, without Content-Encoding.",
            headers={"Accept-Encoding": "identity"},
        )
        await refusal(scope, receive, send)
