"""How a JSON body is read: in its own charset, without a Content-Type too, and within bounds."""

from __future__ import annotations

import email.message
import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from ray_pipeline.core.errors import InvalidInput

# No request has a hundredth of that; each unknown field would cost a sentence in the answer.
MAX_MEMBERS = 1000


class JsonRoute(APIRoute):
    """A route whose body is JSON, said so or not."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_json(request: Request) -> Response:
            scope = request.scope
            if "content-type" not in request.headers:
                scope = {
                    **scope,
                    "headers": [*scope["headers"], (b"content-type", b"application/json")],
                }
            return await handle(_JsonRequest(scope, request.receive))

        return handle_json


class _JsonRequest(Request):
    async def json(self) -> Any:
        """Raises InvalidInput for a body that is no text in its charset, nests too deep or has
        too many members; json.JSONDecodeError for one that is no JSON."""
        body = await self.body()
        try:
            found = json.loads(decoded(body, self.headers.get("content-type", "")))
        except RecursionError:
            raise InvalidInput(
                "The request's body nests too deep.",
                hint="GET /docs shows what a body looks like.",
                field="body",
            ) from None
        _require_few_members(found)
        return found


def decoded(body: bytes, content_type: str) -> str:
    """The text of a JSON body: in the charset that its Content-Type names, else as RFC 8259 has
    it (UTF-8), and the other Unicode encodings that can be told from the first bytes."""
    header = email.message.Message()
    header["content-type"] = content_type
    charset = header.get_content_charset() or json.detect_encoding(body)
    try:
        return body.decode(charset).removeprefix("\ufeff")
    except LookupError:
        raise InvalidInput(
            f"The charset {charset[:40]!r} of the body is not known.",
            hint="Send the body as UTF-8.",
            field="body",
        ) from None
    except UnicodeDecodeError:
        raise InvalidInput(
            f"The request's body is not text in {charset[:40]}.",
            hint="Send it as UTF-8, or name its charset: Content-Type: application/json; "
            "charset=gb18030.",
            field="body",
        ) from None


def _require_few_members(found: Any) -> None:
    left = [found]  # no recursion: see `RecursionError` above
    while left:
        part = left.pop()
        if isinstance(part, dict):
            if len(part) > MAX_MEMBERS:
                raise InvalidInput(
                    f"An object of the body has {len(part):,} members; {MAX_MEMBERS:,} are the "
                    "most that is read.",
                    hint="GET /docs lists the fields of each request.",
                    field="body",
                )
            left += part.values()
        elif isinstance(part, list):
            left += part
