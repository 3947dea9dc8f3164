"""A reserve for health and control: what can last long never takes all of the places.

A replica has `max_ongoing_requests` places. Uploads, watchers and listeners hold one each for as
long as their client likes, so each kind has a bound, all together stay below it, and an upload has
to go on sending.
"""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ray_pipeline.core.errors import Busy, InvalidInput, PipelineError, Unavailable
from serve_app.errors import pipeline_problem
from serve_app.middleware import takes_files

PLACES = 1000
MOST_UPLOADS = 200
MOST_WATCHERS = 450
MOST_LISTENERS = 250
UPLOAD_SILENT_SECONDS = 60.0
_SPEECH_PATHS = ("/v1/audio/speech", "/tts", "/api/v1/speech/stream")
_RETRY_AFTER_SECONDS = 5


class Reserve:
    """Answers 503 to an upload or a watcher too many, 429 to a listener, and ends an upload that
    stands still."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        most_uploads: int = MOST_UPLOADS,
        most_watchers: int = MOST_WATCHERS,
        most_listeners: int = MOST_LISTENERS,
        upload_silent_seconds: float = UPLOAD_SILENT_SECONDS,
    ) -> None:
        self._app = app
        self._most = {
            "uploads": most_uploads,
            "watchers": most_watchers,
            "listeners": most_listeners,
        }
        self._under_way = dict.fromkeys(self._most, 0)
        self._silent_seconds = upload_silent_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = _kind_of(scope)
        if kind is None:
            return await self._app(scope, receive, send)
        if self._under_way[kind] >= self._most[kind]:
            return await _refuse(kind, self._most[kind], scope, receive, send)
        self._under_way[kind] += 1
        try:
            await self._app(scope, self._watched(receive) if kind == "uploads" else receive, send)
        finally:
            self._under_way[kind] -= 1

    def _watched(self, receive: Receive) -> Receive:
        async def next_piece() -> Message:
            try:
                return await asyncio.wait_for(receive(), self._silent_seconds)
            except TimeoutError:
                raise InvalidInput(
                    f"Nothing of the upload came for {self._silent_seconds:g} s.",
                    hint="Send it again; several small uploads get through a bad line best.",
                    field="body",
                ) from None

        return next_piece


def _kind_of(scope: Scope) -> str | None:
    if scope["type"] == "websocket":
        return "listeners" if scope["path"] in _SPEECH_PATHS else "watchers"
    if scope["type"] != "http":
        return None
    if scope["method"] == "POST" and takes_files(scope["path"]):
        return "uploads"
    if scope["path"] in _SPEECH_PATHS:
        return "listeners"
    return "watchers" if scope["path"].endswith("/events/stream") else None


async def _refuse(kind: str, most: int, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        return await send({"type": "websocket.close", "code": 1013})  # try again later
    sentence = f"{most} {kind} are under way, which is all that are taken at a time."
    hint = "Try again when some are done."
    error: PipelineError = Unavailable(sentence, hint=hint)
    if kind == "listeners":
        error = Busy(sentence, hint=hint, retry_after_s=_RETRY_AFTER_SECONDS)
    await pipeline_problem(error)(scope, receive, send)
