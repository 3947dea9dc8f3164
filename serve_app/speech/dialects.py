"""Refusals in the words of the clients that other services taught: OpenAI's, and those of
GPT-SoVITS's api_v2. Whatever refused, a route, a limit or the key: it wrote a problem document.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serve_app.errors import PROBLEM_TYPE, unexpected_problem

API_V2_PATHS = ("/tts", "/set_gpt_weights", "/set_sovits_weights", "/set_refer_audio", "/control")
REQUEST_ID = "X-Request-Id"
_ID = re.compile(r"[\w.\-]{1,100}", re.ASCII)

Translate = Callable[[dict[str, Any]], tuple[int, dict[str, Any]]]


def is_openai(path: str) -> bool:
    return path == "/v1" or path.startswith("/v1/")


def is_api_v2(path: str) -> bool:
    return path in API_V2_PATHS


# What a voice calls the parts of an order, as these clients do.
_FIELDS = {
    "params.target_text": "input",
    "params.target_language": "language",
    "params.ref_audio": "reference",
}


def as_openai(told: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Its clients send 409 again by themselves, and know no 422."""
    status = 400 if told["status"] in (409, 422) else told["status"]
    if status >= 500:
        kind = "server_error"
    elif status == 429:
        kind = "rate_limit_error"
    else:
        kind = "authentication_error" if status == 401 else "invalid_request_error"
    code = "invalid_api_key" if status == 401 else told["code"]
    param = _FIELDS.get(told.get("field") or "", told.get("field"))
    error = {"message": told["detail"], "type": kind, "param": param, "code": code}
    return status, {"error": error}


def as_api_v2(told: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """It answers 400 to whatever goes wrong; what its clients do not look at may say more."""
    keep = told["status"] in (401, 403, 405, 413, 429) or told["status"] >= 500
    message = "tts failed" if told["status"] < 500 else "the service failed"
    return told["status"] if keep else 400, {"message": message, "Exception": told["detail"]}


class Dialects:
    """Outside of everything else. Who accepts problem documents gets those. Each answer on these
    paths has a request id: the client's, if it sent one. Serve gives every answer one by itself
    (`serve_names_requests`): a second would be one too many."""

    def __init__(self, app: ASGIApp, *, serve_names_requests: bool = False) -> None:
        self._app = app
        self._serve_names_requests = serve_names_requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        path = scope["path"]
        translate = as_openai if is_openai(path) else as_api_v2 if is_api_v2(path) else None
        wants_problems = PROBLEM_TYPE in Headers(scope=scope).get("accept", "")
        if translate is None or wants_problems:
            return await self._app(scope, receive, send)
        request_id = None if self._serve_names_requests else _request_id(scope)
        answer = _Answer(translate, request_id, send)
        try:
            await self._app(scope, receive, answer.send)
        except Exception as error:
            if answer.begun:
                raise  # the connection is cut: the client sees that something is missing
            await unexpected_problem(error)(scope, receive, answer.send)


class _Answer:
    def __init__(self, translate: Translate, request_id: str | None, send: Send) -> None:
        self._translate = translate
        self._request_id = request_id
        self._send = send
        self._held: Message | None = None
        self._body = b""
        self.begun = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.begun = True
            headers = MutableHeaders(scope=message)
            if self._request_id is not None:
                headers[REQUEST_ID] = self._request_id
            if headers.get("content-type", "").startswith(PROBLEM_TYPE):
                self._held = message
                return
        if self._held is None:
            return await self._send(message)
        self._body += message.get("body", b"")
        if not message.get("more_body"):
            await self._send_translated(self._held)

    async def _send_translated(self, start: Message) -> None:
        # The answer to a HEAD has no body; its head is that of a GET all the same.
        told = {"status": start["status"], "detail": "", "code": ""}
        status, body = self._translate(json.loads(self._body) if self._body else told)
        old = Headers(raw=start["headers"])
        kept = {name: old[name] for name in old if name not in ("content-type", "content-length")}
        response = JSONResponse(body, status_code=status, headers=kept)
        head = {"type": "http.response.start", "status": status, "headers": response.raw_headers}
        await self._send(head)
        body_sent = response.body if self._body else b""
        await self._send({"type": "http.response.body", "body": body_sent})


def _request_id(scope: Scope) -> str:
    given = Headers(scope=scope).get(REQUEST_ID, "")
    return given if _ID.fullmatch(given) else uuid.uuid4().hex
