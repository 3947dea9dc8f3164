"""Parts of speech into the answer to a request.

An answer begins when the first sound is there, so that what is wrong with a request is a refusal
with a status. What goes wrong after that cuts the answer off: no client takes it for the whole.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable
from contextlib import aclosing, suppress
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ray_pipeline.audio.encoding import FORMATS, Encoder, Tags, wav_header
from ray_pipeline.core.errors import PipelineError
from ray_pipeline.speaking.order import Part, Sound, Started
from serve_app.errors import unexpected_problem
from serve_app.speech.account import Account
from serve_app.speech.choosing import Chosen

T = TypeVar("T")


def headers_of(chosen: Chosen, sound_format: str) -> dict[str, str]:
    headers = {
        "X-Voice": _ascii(chosen.spoken_name),
        "X-Sample-Rate": str(FORMATS[sound_format].rate),
        "X-Seed": str(chosen.order.settings.seed),
        # Proxies must pass each piece on at once.
        "Cache-Control": "no-store",
        "X-Accel-Buffering": "no",
    }
    if chosen.remarks:
        headers["X-Warning"] = _ascii(" ".join(chosen.remarks))
    return headers


def _ascii(text: str) -> str:
    """Names are of any script, and headers of one: the others as in an address."""
    from urllib.parse import quote

    return quote(text, safe=" !#$&'()*+,-./:;<=>?@[]^_`{|}~\"")


async def begun(parts: AsyncGenerator[Part]) -> AsyncGenerator[Part]:
    """The same parts, of which the first sound is there. Raises what comes instead of it."""
    first: list[Part] = []
    try:
        while not first or isinstance(first[-1], Started):
            first.append(await anext(parts))
    except BaseException:
        await parts.aclose()
        raise

    async def all_parts() -> AsyncGenerator[Part]:
        async with aclosing(parts):
            for part in first:
                yield part
            async for part in parts:
                yield part

    return all_parts()


async def unless_gone(request: Request, work: Awaitable[T]) -> T:
    """What `work` gives; it ends when the client goes away. Raises ClientDisconnect then."""
    doing = asyncio.ensure_future(work)
    leaving = asyncio.create_task(_gone(request.receive))
    try:
        await asyncio.wait([doing, leaving], return_when=asyncio.FIRST_COMPLETED)
        if doing.done():
            return doing.result()
        raise ClientDisconnect
    finally:
        await _ended(leaving)
        await _ended(doing)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _ended(task: asyncio.Future[Any]) -> None:
    if not task.done():
        task.cancel()
    with suppress(asyncio.CancelledError, Exception):
        await task


class SoundResponse(Response):
    """A body that is closed as soon as the client goes away, and cut off where it breaks, or where
    the client takes nothing of it for `idle_seconds`."""

    def __init__(
        self, body: AsyncGenerator[bytes], headers: dict[str, str], media: str, idle_seconds: float
    ):
        super().__init__(headers=headers, media_type=media)
        del self.headers["content-length"]
        self._chunks, self._idle_seconds = body, idle_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sending = asyncio.ensure_future(self._send(send))
        leaving = asyncio.create_task(_gone(receive))
        try:
            await asyncio.wait([sending, leaving], return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                sending.result()
        finally:
            await _ended(leaving)
            await _ended(sending)
            await self._chunks.aclose()

    async def _send(self, send: Send) -> None:
        head = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(head)
        async for chunk in self._chunks:
            async with asyncio.timeout(self._idle_seconds):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def encoded(
    parts: AsyncGenerator[Part], encoder: Encoder, account: Account
) -> AsyncGenerator[bytes]:
    """The bytes of the file, as they come."""
    async with aclosing(parts):
        async for part in parts:
            account.hear(part)
            if isinstance(part, Sound):
                chunk = await asyncio.to_thread(encoder.feed, part.wav)
                if chunk:
                    yield chunk
    if rest := await asyncio.to_thread(encoder.finish):
        yield rest


async def as_events(
    parts: AsyncGenerator[Part], encoder: Encoder, chosen: Chosen
) -> AsyncGenerator[bytes]:
    """OpenAI's server-sent events; what our speech adds stands in the last of them. A failure is
    an event, too."""
    account = Account()
    try:
        async with aclosing(encoded(parts, encoder, account)) as chunks:
            async for chunk in chunks:
                audio = base64.b64encode(chunk).decode()
                yield _event({"type": "speech.audio.delta", "audio": audio})
    except Exception as error:
        yield _event({"type": "error", "error": _in_words(error)})
        return
    usage = account.usage(chosen.order.text)
    yield _event({"type": "speech.audio.done", "usage": usage, **account.facts(chosen)})


def _in_words(error: Exception) -> dict[str, Any]:
    if isinstance(error, PipelineError):
        return {"message": str(error), "type": "server_error", "param": None, "code": error.code}
    told = json.loads(bytes(unexpected_problem(error).body))
    message, code = told["detail"], told["incident"]
    return {"message": message, "type": "server_error", "param": None, "code": code}


def _event(data: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


async def whole(
    chunks: AsyncIterator[bytes],
    sound_format: str,
    tags: Tags | None,
    account: Account,
    chosen: Chosen,
) -> Response:
    """All at once, with its length, and with what is known at the end in its headers. `tags` are
    those that it was encoded with."""
    body = b"".join([chunk async for chunk in chunks])
    if sound_format == "wav":
        body = _with_length(body, tags)
    facts = account.facts(chosen)
    headers = headers_of(chosen, sound_format) | {
        "X-Seconds": str(facts["seconds"]),
        "X-Pieces": str(len(facts["pieces"])),
        "X-Attempts": str(facts["attempts"]),
        "X-Problems": str(len(facts["problems"])),
        "X-Digest": facts["digest"],
    }
    return Response(body, headers=headers, media_type=FORMATS[sound_format].media_type)


def _with_length(streamed: bytes, tags: Tags | None) -> bytes:
    rate = FORMATS["wav"].rate
    samples = streamed[len(wav_header(rate, tags)) :]
    return wav_header(rate, tags, len(samples) // 2) + samples
