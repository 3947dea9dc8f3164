"""The tables. One SQLite file may also hold DBOS's tables; Alembic looks at these only."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, DateTime, ForeignKey, Index, Integer, String, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

from ray_pipeline.core.task import MAX_SPEAKER_LENGTH


class UtcDateTime(TypeDecorator[datetime]):
    """Aware datetimes in UTC; SQLite keeps no zone, so it is put back on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


# An absent value is NULL, not the JSON text "null".
_Json = JSON(none_as_null=True)


class Base(DeclarativeBase):
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UtcDateTime,
        dict[str, Any]: _Json,
        list[Any]: _Json,
    }


class TaskRow(Base):
    """`number` orders tasks by age. `last_seq` is the number of the task's newest event.
    `status`, `current_step`, `progress` and `error_message` repeat what follows from the runs,
    so that a list of tasks is one query."""

    __tablename__ = "tasks"

    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    task_id: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(Text)
    config: Mapped[dict[str, Any]]
    base_model: Mapped[str | None] = mapped_column(String(40))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    status: Mapped[str] = mapped_column(String(20), index=True)
    current_step: Mapped[str | None] = mapped_column(String(40))
    progress: Mapped[float] = mapped_column(default=0.0)
    error_message: Mapped[str | None] = mapped_column(Text)
    last_seq: Mapped[int] = mapped_column(BigInteger, default=0)
    delete_at: Mapped[datetime | None]


def _task_id() -> Mapped[str]:
    return mapped_column(String(40), ForeignKey("tasks.task_id", ondelete="CASCADE"))


class JobRow(Base):
    """What one request asked for: steps with parameters, in order."""

    __tablename__ = "jobs"

    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    job_id: Mapped[str] = mapped_column(String(40), unique=True)
    task_id: Mapped[str] = _task_id()
    steps: Mapped[list[Any]]
    is_over: Mapped[bool] = mapped_column(default=False, index=True)
    queued_at: Mapped[datetime]
    __table_args__ = (Index("ix_jobs_task", "task_id", "is_over"),)


class RunRow(Base):
    """One attempt at one step. `position` is the place of the step in its job; `digest` is the
    fingerprint of what the step had made when it ended; `progress_event` the number of the one
    event that says how far it is."""

    __tablename__ = "step_runs"

    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    run_id: Mapped[str] = mapped_column(String(40), unique=True)
    job_id: Mapped[str] = mapped_column(String(40), index=True)
    task_id: Mapped[str] = _task_id()
    position: Mapped[int] = mapped_column(default=0)
    step: Mapped[str] = mapped_column(String(40))
    attempt: Mapped[int]
    state: Mapped[str] = mapped_column(String(20))
    stale: Mapped[bool] = mapped_column(default=False)
    params: Mapped[dict[str, Any]]
    warnings: Mapped[list[Any]]
    progress: Mapped[float] = mapped_column(default=0.0)
    message: Mapped[str] = mapped_column(Text, default="")
    queued_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    result: Mapped[dict[str, Any] | None]
    error: Mapped[dict[str, Any] | None]
    digest: Mapped[str | None] = mapped_column(String(40))
    progress_event: Mapped[int | None] = mapped_column(BigInteger)
    __table_args__ = (Index("ux_step_runs_attempt", "task_id", "step", "attempt", unique=True),)


class EventRow(Base):
    """Append-only, but for progress: a state, of which the newest event takes the place."""

    __tablename__ = "events"

    task_id: Mapped[str] = mapped_column(
        String(40), ForeignKey("tasks.task_id", ondelete="CASCADE"), primary_key=True
    )
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    time: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(20))
    step: Mapped[str | None] = mapped_column(String(40))
    attempt: Mapped[int | None]
    data: Mapped[dict[str, Any]]


class FileRow(Base):
    """`changed_ns` is the file's modification time; with `size` it tells whether `sha256` holds."""

    __tablename__ = "files"

    task_id: Mapped[str] = mapped_column(
        String(40), ForeignKey("tasks.task_id", ondelete="CASCADE"), primary_key=True
    )
    name: Mapped[str] = mapped_column(String(700), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    size: Mapped[int] = mapped_column(BigInteger)
    changed_ns: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))


class LeaseRow(Base):
    """One row, made with the table: which coordinator may write. See `lease.py`."""

    __tablename__ = "coordinator_lease"

    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    fence: Mapped[int] = mapped_column(BigInteger)
    holder: Mapped[str] = mapped_column(Text)
    beats: Mapped[int] = mapped_column(BigInteger)


class TranscriptRow(Base):
    __tablename__ = "transcripts"

    task_id: Mapped[str] = mapped_column(
        String(40), ForeignKey("tasks.task_id", ondelete="CASCADE"), primary_key=True
    )
    clip: Mapped[str] = mapped_column(String(300), primary_key=True)
    text: Mapped[str] = mapped_column(Text)
    language: Mapped[str] = mapped_column(String(20))
    include: Mapped[bool] = mapped_column(default=True)
    speaker: Mapped[str] = mapped_column(String(MAX_SPEAKER_LENGTH), default="")
    source: Mapped[str] = mapped_column(String(100))
    confidence: Mapped[float | None]


class HandCutsRow(Base):
    """How a person wants a recording cut; `ranges` is a list of [start, end] in samples."""

    __tablename__ = "hand_cuts"

    task_id: Mapped[str] = mapped_column(
        String(40), ForeignKey("tasks.task_id", ondelete="CASCADE"), primary_key=True
    )
    recording: Mapped[str] = mapped_column(String(300), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64))
    ranges: Mapped[list[Any]]


class KeptAnswerRow(Base):
    """The answer to a request with an Idempotency-Key; `status` is NULL while it is under way.
    `digest` stands for all that the request said."""

    __tablename__ = "kept_answers"

    key: Mapped[str] = mapped_column(String(300), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64))
    begun_at: Mapped[datetime] = mapped_column(index=True)
    status: Mapped[int | None]
    body: Mapped[str | None] = mapped_column(Text)
