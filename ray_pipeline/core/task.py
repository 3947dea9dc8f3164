"""A task, its eleven steps and the runs of them, as plain data.

Everything that crosses a border (database, Ray, HTTP) is one of these types. The rules
that need the table of steps (what needs what) live in `pipeline.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from ray_pipeline.core.options import TaskConfig
from ray_pipeline.core.step_names import StepName

MAX_SPEAKER_LENGTH = 100  # characters

__all__ = [
    "ClipTiming",
    "Event",
    "EventKind",
    "FileRecord",
    "RunState",
    "StepName",
    "StepRun",
    "Task",
    "TaskStatus",
    "Transcript",
]


class TaskStatus(StrEnum):
    """What clients see: the state of the task's latest run."""

    CREATED = "created"
    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class RunState(StrEnum):
    """The state of one attempt at one step.

    `interrupted` is an attempt whose process died with the service; a new attempt follows it.
    `paused` is one that was ended by a pause; a new attempt follows when the task is resumed.
    """

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"
    INTERRUPTED = "interrupted"
    PAUSED = "paused"

    @property
    def is_over(self) -> bool:
        return self not in (RunState.QUEUED, RunState.RUNNING)

    @property
    def satisfies_needs(self) -> bool:
        return self in (RunState.COMPLETED, RunState.SKIPPED)


class EventKind(StrEnum):
    STATE = "state"
    PROGRESS = "progress"
    METRIC = "metric"
    LOG = "log"
    WARNING = "warning"


@dataclass(frozen=True, kw_only=True)
class Task:
    """`progress` is in percent over all eleven steps; `last_event` is the `seq` of its newest
    event, where whoever wants to hear only of what is to come begins. At `delete_at` a task that
    somebody deleted is gone; until then it can be had back."""

    task_id: str
    task_name: str
    status: TaskStatus
    config: TaskConfig
    created_at: datetime
    updated_at: datetime
    current_step: StepName | None = None
    progress: float = 0.0
    error_message: str | None = None
    last_event: int = 0
    delete_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class StepRun:
    """One attempt at one step. `progress` runs from 0 to 1.

    `job_id` groups the runs that one request started; `stale` says that something this run
    was computed from has changed since.
    """

    run_id: str
    job_id: str
    task_id: str
    step: StepName
    attempt: int
    state: RunState
    queued_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    stale: bool = False
    params: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    progress: float = 0.0
    message: str = ""
    result: dict[str, Any] | None = None
    error: dict[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened in a task. `seq` rises within the task. Of an attempt's progress
    only the newest event is kept, so numbers are missing where it was told before."""

    task_id: str
    seq: int
    time: datetime
    kind: EventKind
    step: StepName | None
    attempt: int | None
    data: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class FileRecord:
    """`name` is relative to the task's folder and always uses `/`; `size` is in bytes."""

    name: str
    kind: str
    size: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Transcript:
    """What is said in a clip. `source` is "user" or the name of the recogniser;
    `confidence` is 0..1, or None where there is no such number."""

    clip: str
    text: str
    language: str
    include: bool = True
    speaker: str = ""
    source: str = "user"
    confidence: float | None = None


@dataclass(frozen=True, kw_only=True)
class ClipTiming:
    """When a clip is spoken, in seconds. `start` and `end` count from the beginning of its
    recording. `speech`, the start and end of each stretch of it, counts from the beginning of
    the clip; it is None where no recogniser has heard the clip."""

    recording: str
    start: float
    end: float
    speech: list[tuple[float, float]] | None


@dataclass(frozen=True, kw_only=True)
class KeptAnswer:
    """What a request was answered with: the status and the body as it was sent."""

    status: int
    body: str
