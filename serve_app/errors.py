"""The one place where a failure becomes an HTTP answer.

Answers are problem details (RFC 9457) with our `code` and `hint` beside the standard
members; `detail` is always a sentence. The errors themselves know nothing of HTTP.
"""

from __future__ import annotations

import logging
import uuid
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import Match, Mount

from ray_pipeline.core.errors import Busy, PipelineError
from serve_app.schemas import Problem

_log = logging.getLogger(__name__)

STATUS_OF_CODE: dict[str, int] = {
    "error": 500,
    "not_found": 404,
    "conflict": 409,
    "step_not_ready": 409,
    "task_busy": 409,
    "invalid_input": 422,
    "too_large": 413,
    "voice_disabled": 410,
    "step_failed": 422,
    "nothing_usable": 422,
    "bad_model_file": 422,
    "backend_missing": 501,
    "storage_full": 507,
    "busy": 429,
    "unavailable": 503,
}

PROBLEM_TYPE = "application/problem+json"
# A browser must take an answer for what it says it is: uploads are answered with as well.
NO_SNIFFING = {"X-Content-Type-Options": "nosniff"}
_RETRY_AFTER_SECONDS = 2
_MOST_ERRORS = 20
_LONGEST_TEXT = 2000
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What a route says in OpenAPI about the failures it can answer with."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in statuses
    }


def problem(
    status: int, detail: str, *, code: str, hint: str = "", headers: Any = None, **members: Any
) -> JSONResponse:
    """One problem document. `members` are further facts, such as `missing` steps."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": f"{detail} {hint}".strip(),
        "code": code,
        "message": detail,
        "hint": hint,
        **members,
    }
    return JSONResponse(
        Problem.model_validate(_shortened(body)).model_dump(mode="json"),
        status_code=status,
        headers={**NO_SNIFFING, **(headers or {})},
        media_type=PROBLEM_TYPE,
    )


def _shortened(value: Any) -> Any:
    """Whatever a request named wrongly is repeated in the answer, however long it was."""
    if isinstance(value, str) and len(value) > _LONGEST_TEXT:
        return f"{value[:_LONGEST_TEXT]}…"
    if isinstance(value, dict):
        return {_shortened(name): _shortened(part) for name, part in value.items()}
    return [_shortened(part) for part in value] if isinstance(value, list) else value


def pipeline_problem(error: PipelineError) -> JSONResponse:
    """The answer for an expected failure."""
    status = STATUS_OF_CODE[error.code]
    facts = error.as_dict()
    for shown_elsewhere in ("code", "message", "hint"):
        facts.pop(shown_elsewhere, None)
    seconds = error.retry_after_s if isinstance(error, Busy) else _RETRY_AFTER_SECONDS
    headers = {"Retry-After": str(seconds)} if status in (429, 503) else None
    return problem(
        status,
        error.message,
        code=error.code,
        hint=error.hint,
        headers=headers,
        retryable=error.retryable,
        **facts,
    )


def unexpected_problem(error: BaseException) -> JSONResponse:
    """The answer for a bug: an id to look for in the service's log, and nothing else."""
    incident = uuid.uuid4().hex[:12]
    _log.error("incident %s", incident, exc_info=error)
    return problem(
        500,
        "The service failed in a way that nobody foresaw.",
        code="internal",
        hint=f"Its log has the details under incident {incident}.",
        incident=incident,
    )


def install_error_handlers(app: FastAPI) -> None:
    app.add_exception_handler(PipelineError, _on_pipeline_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(Exception, _on_unexpected)


async def _on_pipeline_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, PipelineError)
    return pipeline_problem(error)


async def _on_invalid_request(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    # A parameter that several dependencies read is wrong once for each.
    found = {str((item["loc"], item["msg"])): item for item in error.errors()}
    problems = [_in_words(item) for item in list(found.values())[:_MOST_ERRORS]]
    sentence = "; ".join(f"{item['field']}: {item['message']}" for item in problems)
    if len(found) > len(problems):
        sentence += f"; and {len(found) - len(problems):,} more"
    return problem(
        422,
        f"The request is malformed: {sentence}.",
        code="invalid_input",
        hint="GET /docs lists every field with its limits.",
        field=problems[0]["field"],
        errors=problems,
    )


def _in_words(item: dict[str, Any]) -> dict[str, str]:
    if item["type"] == "json_invalid":
        reason = item.get("ctx", {}).get("error", "it breaks off")
        at = item["loc"][-1]
        return {"field": "body", "message": f"not JSON ({reason}, at character {at})"}
    return {"field": _place(item["loc"]), "message": item["msg"].removeprefix("Value error, ")}


def _place(location: tuple[Any, ...]) -> str:
    parts = [str(part) for part in location]
    return ".".join(parts[1:] if parts[0] == "body" and len(parts) > 1 else parts)


async def _on_http_exception(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    if isinstance(error.__cause__, PipelineError):  # FastAPI hides what reading a body raised
        return pipeline_problem(error.__cause__)
    code = HTTPStatus(error.status_code).phrase.lower().replace(" ", "_")
    sentence = str(error.detail).rstrip(".") + "."
    hint = "GET /docs lists all routes." if error.status_code in (404, 405) else ""
    headers = dict(error.headers or {})
    if error.status_code == 405:
        headers["Allow"] = ", ".join(_allowed(request))
    return problem(error.status_code, sentence, code=code, hint=hint, headers=headers)


def _allowed(request: Request) -> list[str]:
    """Every method that the path takes. Starlette knows only those of the first route that has
    the path, and a path with two methods is two routes."""
    # A mounted folder has moved its own part of the path into the root.
    scope = {**request.scope, "root_path": request.scope.get("app_root_path", "")}
    return [
        name
        for method in _METHODS
        if any(
            route.matches({**scope, "method": method})[0] is Match.FULL
            for route in request.app.routes
            if method == "GET" or not isinstance(route, Mount)  # folders of the page
        )
        for name in (("GET", "HEAD") if method == "GET" else (method,))
    ]


async def _on_unexpected(_: Request, error: Exception) -> JSONResponse:
    return unexpected_problem(error)
