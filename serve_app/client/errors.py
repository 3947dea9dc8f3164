"""Every error of the client, as one small tree; the service's codes each have a class.

ServiceError
├── UnreachableError      nobody answered, or only a proxy in front
├── ForeignAnswerError    something else answers at this address
├── UnauthorizedError     the API key is missing or wrong
├── ForbiddenError        the service answers its own machine only
├── NotFoundError         a task, step, file or clip that does not exist
├── ConflictError         the request is fine, the moment is wrong
│   ├── StepNotReadyError what the step needs has not been made; `problem["missing"]`
│   └── TaskBusyError     another run of the task is still going on
├── InvalidInputError     the request itself is wrong; `problem["field"]` names where
├── TooLargeError         an upload over the limit
├── VoiceDisabledError    a voice that was taken out of use
├── StepFailedError       what was asked for could not be done
│   ├── NothingUsableError
│   └── BadModelFileError
├── BackendMissingError   a library or model file that is not installed
├── StorageFullError      no room on the service's disk
├── UnavailableError      starting, stopping or cut off: try again
├── InternalError         a failure that nobody foresaw; `problem["incident"]`
└── RunFailedError        `wait(raise_on_failure=True)`: the run did not end well; `task`
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from serve_app.schemas import TaskAnswer


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


class UnreachableError(ServiceError):
    pass


class ForeignAnswerError(ServiceError):
    pass


class UnauthorizedError(ServiceError):
    pass


class ForbiddenError(ServiceError):
    pass


class NotFoundError(ServiceError):
    pass


class ConflictError(ServiceError):
    pass


class StepNotReadyError(ConflictError):
    pass


class TaskBusyError(ConflictError):
    pass


class InvalidInputError(ServiceError):
    pass


class TooLargeError(ServiceError):
    pass


class VoiceDisabledError(ServiceError):
    pass


class StepFailedError(ServiceError):
    pass


class NothingUsableError(StepFailedError):
    pass


class BadModelFileError(StepFailedError):
    pass


class BackendMissingError(ServiceError):
    pass


class StorageFullError(ServiceError):
    pass


class BusyError(ServiceError):
    """More is asked for than the service can do at a time; try again after a while."""


class UnavailableError(ServiceError):
    pass


class InternalError(ServiceError):
    pass


class RunFailedError(ServiceError):
    """`task` is the task as it ended: failed, or cancelled."""

    def __init__(self, task: TaskAnswer) -> None:
        reason = task.error_message or f"The run of {task.task_name!r} was {task.status}."
        super().__init__(reason, status=200, code=f"run_{task.status}")
        self.task = task


ERROR_OF_CODE: dict[str, type[ServiceError]] = {
    "error": InternalError,
    "internal": InternalError,
    "unauthorized": UnauthorizedError,
    "foreign_request": ForbiddenError,
    "not_found": NotFoundError,
    "conflict": ConflictError,
    "step_not_ready": StepNotReadyError,
    "task_busy": TaskBusyError,
    "invalid_input": InvalidInputError,
    "too_large": TooLargeError,
    "voice_disabled": VoiceDisabledError,
    "step_failed": StepFailedError,
    "nothing_usable": NothingUsableError,
    "bad_model_file": BadModelFileError,
    "backend_missing": BackendMissingError,
    "storage_full": StorageFullError,
    "busy": BusyError,
    "unavailable": UnavailableError,
}


def refused(response: httpx.Response) -> ServiceError:
    """The error in an answer whose body has been read."""
    try:
        problem = response.json()
    except ValueError:
        problem = None
    if not isinstance(problem, dict):
        away = response.status_code in (502, 503, 504)
        return (UnreachableError if away else ServiceError)(
            f"The service answered {response.status_code} {response.reason_phrase}.",
            status=response.status_code,
            code="not_a_problem",
        )
    code = str(problem.get("code", ""))
    return ERROR_OF_CODE.get(code, ServiceError)(
        problem.get("message") or problem.get("detail") or response.reason_phrase,
        status=response.status_code,
        code=code,
        hint=problem.get("hint", ""),
        problem=problem,
    )


def foreign(response: httpx.Response) -> ServiceError:
    """Something else answered: another program at this address, or a proxy with a page."""
    return ForeignAnswerError(
        f"What answers at {response.url} is not this service.",
        status=response.status_code,
        code="foreign_answer",
        hint="Name the service's address with --url or GSV_URL.",
    )


def unreachable(url: httpx.URL, error: httpx.TransportError) -> ServiceError:
    return UnreachableError(
        f"The service at {url} does not answer ({type(error).__name__}).",
        hint="Start it with `gsv start`, or name another with --url or GSV_URL.",
    )
