"""The one error of the client."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx


class ServiceError(Exception):
    """What the service refused, or why it could not be asked.

    `status` is the HTTP status (0 when there was no answer), `code` is for programs, `hint`
    says what to do, `problem` is the whole answer.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 0,
        code: str = "unreachable",
        hint: str = "",
        problem: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.code = code
        self.hint = hint
        self.problem = dict(problem or {})

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()

    @property
    def is_away(self) -> bool:
        """Nobody answered, or only the proxy in front: the service may be restarting."""
        return self.status in (0, 502, 503, 504)


def refused(response: httpx.Response) -> ServiceError:
    """The error in an answer whose body has been read."""
    try:
        problem = response.json()
    except ValueError:
        problem = None
    if not isinstance(problem, dict):
        return ServiceError(
            f"The service answered {response.status_code} {response.reason_phrase}.",
            status=response.status_code,
            code="not_a_problem",
        )
    return ServiceError(
        problem.get("message") or problem.get("detail") or response.reason_phrase,
        status=response.status_code,
        code=problem.get("code", ""),
        hint=problem.get("hint", ""),
        problem=problem,
    )


def foreign(response: httpx.Response) -> ServiceError:
    """Something else answered: another program at this address, or a proxy with a page."""
    return ServiceError(
        f"What answers at {response.url} is not this service.",
        status=response.status_code,
        code="foreign_answer",
        hint="Name the service's address with --url or GSV_URL.",
    )


def unreachable(url: httpx.URL, error: httpx.TransportError) -> ServiceError:
    return ServiceError(
        f"The service at {url} does not answer ({type(error).__name__}).",
        hint="Start it with `gsv start`, or name another with --url or GSV_URL.",
    )
