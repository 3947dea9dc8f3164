"""`Idempotency-Key`: a request that may have been sent before is done once.

Same key and same request: the answer of the first one again, for a day. Only answers that say
that something was done are kept; a refused request did nothing, and may be sent again.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Callable, Coroutine
from typing import Annotated, Any, cast

from fastapi import Header, Request, Response
from starlette.types import Message, Receive

from ray_pipeline.coordinator.interface import Coordinator
from ray_pipeline.core.errors import InvalidInput
from ray_pipeline.core.task import KeptAnswer
from serve_app.json_bodies import JsonRoute

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
_KEY = re.compile(r"[!-~]{1,255}")

IdempotencyKey = Annotated[
    str | None,
    Header(
        description="a new one for each thing to be done (such as a UUID); sent again with the "
        "same request, within a day, it is answered as the first time and nothing is done twice. "
        "Another request with the same key: 422; the first still under way: 409",
        max_length=255,
    ),
]


class OnceRoute(JsonRoute):
    """A route whose POST is done once for each `Idempotency-Key`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_once(request: Request) -> Response:
            if request.method != "POST" or HEADER not in request.headers:
                return await handle(request)
            body = await request.body()
            digest = digest_of(request, body)

            async def do() -> Response:
                return await handle(Request(request.scope, _again_from(body, request.receive)))

            return await once(request, digest, do)

        return handle_once


async def once(request: Request, digest: str, do: Callable[[], Awaitable[Response]]) -> Response:
    """What `do` answers, or answered to the same request before. Without a key it is just done.

    Raises InvalidInput for a key that came with another request, Conflict while the first one is
    under way.
    """
    key = request.headers.get(HEADER)
    if key is None:
        return await do()
    if not _KEY.fullmatch(key):
        raise InvalidInput(
            f"{key[:80]!r} cannot be an {HEADER}.",
            hint="Use 1 to 255 visible ASCII characters, such as a UUID.",
            field=f"header.{HEADER}",
        )
    coordinator = cast(Coordinator, request.app.state.services.coordinator)
    before = await coordinator.begin_request(key, digest)
    if before is not None:
        return _again(before)
    answer: KeptAnswer | None = None
    try:
        response = await do()
        if response.status_code < 300:
            answer = KeptAnswer(status=response.status_code, body=bytes(response.body).decode())
    finally:
        await coordinator.finish_request(key, answer)
    return response


def _again_from(body: bytes, receive: Receive) -> Receive:
    """What reads the body once more; after it, what still comes (that the client has gone)."""
    left: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def read() -> Message:
        return left.pop() if left else await receive()

    return read


def digest_of(request: Request, said: bytes) -> str:
    """Of all that a request says: what it asks for, and its body."""
    place = f"{request.method} {request.url.path}?{request.url.query}\n".encode()
    return hashlib.sha256(place + said).hexdigest()


def _again(kept: KeptAnswer) -> Response:
    return Response(
        kept.body,
        status_code=kept.status,
        media_type="application/json",
        headers={REPLAYED: "true"},
    )
