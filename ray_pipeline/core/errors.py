"""Every failure that a user can meet, as one small tree.

    PipelineError
    ├── NotFound            a task, step, file or run that does not exist
    ├── Conflict            the request is fine, the moment is wrong
    │   ├── StepNotReady    what the step needs has not been made yet
    │   └── TaskBusy        another run of the task is still going on
    ├── InvalidInput        the request itself is wrong; `field` names where
    ├── TooLarge            an upload over the limit
    ├── VoiceDisabled       a voice that was taken out of use; `reason` says why
    ├── StepFailed          the step could not do its work; `clip` names where
    │   ├── NothingUsable   every input was set aside
    │   └── BadModelFile    a weight file that is foreign, truncated or hostile
    ├── BackendMissing      a library or model file that is not installed
    ├── StorageFull         the disk of the data folder
    ├── Busy                more is asked for than can be served at a time
    └── Unavailable         the service is starting, stopping or cut off

An error carries a `code` for programs, a sentence for people and a `hint` saying
what to do. It knows nothing of HTTP: `serve_app/errors.py` holds the status of each code.
"""

from __future__ import annotations

import errno
import os
from typing import Any, ClassVar, Literal

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


class PipelineError(Exception):
    """Base of all expected failures.

    `message` is one sentence; `hint` says what to do about it; `task`, `step` and
    `clip` say where it happened; `retryable` says whether the same call can succeed later.
    """

    code: ClassVar[str] = "error"
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        task: str | None = None,
        step: str | None = None,
        clip: str | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.task = task
        self.step = step
        self.clip = clip
        self.extra = extra

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()

    def __reduce__(self) -> tuple[Any, ...]:
        # Errors cross process borders (Ray, DBOS) by pickle; keyword-only fields
        # would be lost by Exception's own way.
        return _rebuild, (type(self), self.as_dict())

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for the database and the wire. Absent fields are left out."""
        fields = {
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            "task": self.task,
            "step": self.step,
            "clip": self.clip,
            **self.extra,
        }
        return {key: value for key, value in fields.items() if value not in (None, "")}


def _rebuild(kind: type[PipelineError], fields: dict[str, Any]) -> PipelineError:
    arguments = {key: value for key, value in fields.items() if key not in ("code", "message")}
    return kind(fields["message"], **arguments)


class NotFound(PipelineError):
    code = "not_found"


class Conflict(PipelineError):
    code = "conflict"


class StepNotReady(Conflict):
    """`missing` lists the steps that have to run first."""

    code = "step_not_ready"


class TaskBusy(Conflict):
    code = "task_busy"
    retryable = True


class InvalidInput(PipelineError):
    """`field` names the place in the request, such as `params.threshold`."""

    code = "invalid_input"


class TooLarge(PipelineError):
    code = "too_large"


class VoiceDisabled(PipelineError):
    """`reason` is what was said when it was disabled."""

    code = "voice_disabled"


# Why a recording or a clip is set aside, for programs and for sentences in other languages:
# serve_app/web/words/report.zh.json has one for each.
SetAsideReason = Literal[
    # recordings
    "empty_file",
    "too_slow",
    "too_long",
    "impossible_rate",
    "no_sound",
    "not_numbers",
    "too_short",
    "silent",
    "no_sound_track",
    "not_a_sound_file",
    "incomplete",
    "damaged",
    "codec_missing",
    "not_permitted",
    "undecodable",
    "too_short_to_slice",
    "below_threshold",
    "given_too_long",
    # clips
    "worker_died",
    "unreadable",
    "no_speech",
    "wrong_language",
    "no_recogniser",
    "clip_too_short",
    "no_text",
    "excluded",
    "no_features",
    "text_and_features_differ",
    "missing_features",
    "unknown_phones",
    "wrong_length",
    "too_many_tokens",
    "too_many_phones",
    "wrong_rate",
    "broke_the_training",
]


class StepFailed(PipelineError):
    """`reason` is for programs; the numbers and names in the sentence come as further keywords
    then, so that it can be said in another language."""

    code = "step_failed"

    def __init__(self, message: str, *, reason: SetAsideReason | None = None, **more: Any) -> None:
        super().__init__(message, reason=reason, **more)

    @property
    def facts(self) -> dict[str, Any]:
        """`reason` and what belongs to it; empty without one."""
        return dict(self.extra) if self.extra["reason"] else {}


class NothingUsable(StepFailed):
    code = "nothing_usable"


class BadModelFile(StepFailed):
    code = "bad_model_file"


class BackendMissing(PipelineError):
    code = "backend_missing"


class StorageFull(PipelineError):
    """Nothing that was there before is lost."""

    code = "storage_full"
    retryable = True

    @classmethod
    def of(cls, error: BaseException) -> StorageFull | None:
        """What a user is told of an OSError that says so, or of a library's error with the words
        of one; None for any other error."""
        if isinstance(error, OSError) and error.errno is not None:
            full = error.errno in _NO_ROOM
        else:
            full = any(os.strerror(number) in str(error) for number in _NO_ROOM)
        return cls.said() if full else None

    @classmethod
    def said(cls) -> StorageFull:
        return cls(
            "There is no room left on the disk of the service.",
            hint="Delete tasks that are done with, or give the data folder more room; then "
            "try again.",
        )


class Busy(PipelineError):
    """`retry_after_s` says in how many seconds there will probably be room."""

    code = "busy"
    retryable = True

    @property
    def retry_after_s(self) -> int:
        return int(self.extra.get("retry_after_s", 1))


class Unavailable(PipelineError):
    code = "unavailable"
    retryable = True


def pipeline_error_in(error: BaseException | None) -> PipelineError | None:
    """The failure that the program foresaw inside what libraries wrapped around it (Ray's errors
    have a `cause`), if there is one; a full disk is one."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        cause = getattr(error, "cause", None)
        if isinstance(error, PipelineError):
            # Ray's wrapper inherits from the cause's class too, without its fields.
            return cause if isinstance(cause, PipelineError) else error
        full = StorageFull.of(error)
        if full is not None:
            return full
        seen.add(id(error))
        error = cause or error.__cause__ or error.__context__
    return None


def all_error_types() -> list[type[PipelineError]]:
    """Every class with a code of its own, the base first; used to check that each code has an HTTP
    status. Others are to clients what they derive from."""
    kinds: list[type[PipelineError]] = [PipelineError]
    for kind in kinds:
        kinds.extend(kind.__subclasses__())
    return [kind for kind in kinds if "code" in vars(kind)]
