"""What requests may hold and what answers look like.

Types in `ray_pipeline.core.task` are the truth; the ones here are their form on the wire.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StringConstraints, model_validator

from ray_pipeline.core.options import TaskConfig
from ray_pipeline.core.task import (
    Event,
    EventKind,
    FileRecord,
    RunState,
    StepName,
    StepRun,
    Task,
    TaskStatus,
)


class Request(BaseModel):
    """What comes in. NUL is no character of any text, and neither PostgreSQL nor a list file
    can hold it."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _without_nul(cls, data: Any) -> Any:
        if _holds_nul(data):
            raise ValueError("the character U+0000 cannot be part of a text")
        return data


def _holds_nul(data: Any) -> bool:
    left = [data]  # no recursion: a body may nest deeper than Python calls
    while left:
        part = left.pop()
        if isinstance(part, dict):
            left += [*part, *part.values()]
        elif isinstance(part, list):
            left += part
        elif isinstance(part, str) and "\0" in part:
            return True
    return False


class Answer(BaseModel):
    model_config = ConfigDict(from_attributes=True)


# -- tasks
class TaskCreate(Request):
    """`config` is checked by `options.parse_task_config`, which names the wrong field."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "task_name": "语音克隆测试",
                    "config": {
                        "exp_name": "my_speaker",
                        "language": "zh",
                        "batch_size": 16,
                        "epochs_s2": 50,
                        "epochs_s1": 15,
                        "gpu_id": "0",
                    },
                }
            ]
        },
    )

    task_name: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)
    ] = "task"
    config: dict[str, Any] = Field(default_factory=dict)


class TaskRename(Request):
    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"task_name": "Anna, calm"}]}
    )

    task_name: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)
    ]


class TaskAnswer(Answer):
    """`progress` is in percent over all eleven steps. `last_event` is the number of the newest
    event: `events?after=` it shows only what is to come."""

    task_id: str
    task_name: str
    status: TaskStatus
    config: TaskConfig
    created_at: datetime
    updated_at: datetime
    current_step: StepName | None
    progress: float = Field(ge=0, le=100)
    error_message: str | None
    last_event: int = Field(0, ge=0)
    delete_at: datetime | None = Field(
        None, description="when a deleted task will be gone (UTC); null: nobody deleted it"
    )
    warnings: list[str] = Field(
        default_factory=list, description="when the task is created: what it will lack"
    )

    @classmethod
    def of(cls, task: Task, warnings: Sequence[str] = (), *, knows_paused: bool = True) -> Self:
        """Clients of the older service know no pauses: for them such a task is queued."""
        told: dict[str, Any] = {"warnings": list(warnings)}
        if task.status is TaskStatus.PAUSED and not knows_paused:
            told["status"] = TaskStatus.QUEUED
        return cls.model_validate(task).model_copy(update=told)


class ChosenBase(Answer):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"name": "v2ProPlus", "reason": "v2ProPlus was asked for."}]
        }
    )

    name: str
    reason: str


class CreatedTask(TaskAnswer):
    """A new task. `base_model` is what the first step would take now; null where files of the
    one that was asked for are missing, which `warnings` tell."""

    base_model: ChosenBase | None = None


class Message(Answer):
    message: str
    task_id: str


# -- steps
class StepRequest(Request):
    """`params` differ by step and are checked by `options.parse_options`."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"params": {}}, {"params": {"force": True}}]},
    )

    params: dict[str, Any] = Field(default_factory=dict)


class StepStarted(Message):
    step: StepName
    run_id: str
    warnings: list[str] = Field(default_factory=list)


class RunRequest(Request):
    """Both ends belong to the job; without them all the steps that remain are run."""

    model_config = ConfigDict(
        extra="forbid",
        populate_by_name=True,
        json_schema_extra={
            "examples": [
                {},
                {
                    "from": "slice_audio",
                    "to": "train_gpt",
                    "params": {"train_sovits": {"epochs": 20}},
                },
            ]
        },
    )

    from_step: StepName | None = Field(None, alias="from")
    to_step: StepName | None = Field(None, alias="to")
    params: dict[StepName, dict[str, Any]] = Field(
        default_factory=dict, description="parameters by step"
    )
    force: StrictBool = Field(False, description="compute everything anew")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        order = list(StepName)
        first = order.index(self.from_step) if self.from_step else 0
        last = order.index(self.to_step) if self.to_step else len(order) - 1
        if first > last:
            raise ValueError("`from` must not come after `to`")
        return self


class RunStarted(Message):
    job_id: str
    steps: list[StepName]
    warnings: list[str] = Field(default_factory=list)


class StepAnswer(Answer):
    """The latest attempt at a step; `state` is null for a step never asked for."""

    step: StepName
    state: RunState | None = None
    stale: bool = False
    run_id: str | None = None
    job_id: str | None = None
    attempt: int = 0
    progress: float = Field(0.0, ge=0, le=1)
    message: str = ""
    params: dict[str, Any] = Field(default_factory=dict)
    warnings: list[str] = Field(default_factory=list)
    queued_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    result: dict[str, Any] | None = None
    error: dict[str, Any] | None = None

    @classmethod
    def of(cls, step: StepName, run: StepRun | None) -> Self:
        return cls(step=step) if run is None else cls.model_validate(run)


class StepsAnswer(Answer):
    steps: list[StepAnswer]


# -- files
class FileAnswer(Answer):
    """`name` is relative to the task's folder; `size` is in bytes."""

    name: str
    kind: str
    size: int
    sha256: str

    @classmethod
    def of(cls, record: FileRecord) -> Self:
        return cls(**asdict(record))


class FilesAnswer(Answer):
    files: list[FileAnswer]


class UploadAnswer(Message):
    """`filename` is the first file as it was stored; `files` are all of them."""

    filename: str
    size: int
    sha256: str
    files: list[FileAnswer]


# -- events, logs
class EventAnswer(Answer):
    """`seq` rises by one within the task."""

    seq: int
    time: datetime
    kind: EventKind
    step: StepName | None
    attempt: int | None
    data: dict[str, Any]

    @classmethod
    def of(cls, event: Event) -> Self:
        return cls.model_validate(event)


class EventsAnswer(Answer):
    """`next` is the cursor for the following call."""

    events: list[EventAnswer]
    next: int


class LogsAnswer(Answer):
    logs: str


# -- the service itself
class Problem(BaseModel):
    """RFC 9457 problem details; `code` and `hint` are for programs and people."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [
                {
                    "type": "about:blank",
                    "title": "Conflict",
                    "status": 409,
                    "detail": "train_gpt needs steps that have not run. Run asr_transcribe first.",
                    "code": "step_not_ready",
                    "message": "train_gpt needs steps that have not run.",
                    "hint": "Run asr_transcribe first.",
                    "missing": ["asr_transcribe"],
                }
            ]
        },
    )

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str
    message: str
    hint: str = ""


class Health(Answer):
    status: str
    details: dict[str, Any] = Field(default_factory=dict)
