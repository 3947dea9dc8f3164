"""Writing: everything that one transaction may do to one task."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.task import (
    EventKind,
    FileRecord,
    RunState,
    StepRun,
    Task,
    TaskStatus,
)
from ray_pipeline.store.clip_rows import ClipChanges
from ray_pipeline.store.models import (
    EventRow,
    FileRow,
    HandCutsRow,
    JobRow,
    RunRow,
    TaskRow,
    TranscriptRow,
)
from ray_pipeline.store.records import (
    JobRecord,
    PlannedStep,
    to_file,
    to_job,
    to_run,
    to_task,
)


@dataclass(frozen=True, kw_only=True)
class NewEvent:
    """An event that has no number yet."""

    kind: EventKind
    data: dict[str, Any]
    step: StepName | None = None
    attempt: int | None = None
    time: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(frozen=True, kw_only=True)
class KnownFile:
    """A file with the modification time at which its hash was taken."""

    record: FileRecord
    changed_ns: int


def read_known_files(session: Session, task_id: str) -> dict[str, KnownFile]:
    rows = session.scalars(select(FileRow).where(FileRow.task_id == task_id))
    return {row.name: KnownFile(record=to_file(row), changed_ns=row.changed_ns) for row in rows}


class TaskChange(ClipChanges):
    """Made by `Store.change`; lives as long as its transaction."""

    def __init__(self, session: Session, row: TaskRow) -> None:
        self._session = session
        self._row = row

    # -- the task

    @property
    def task(self) -> Task:
        return to_task(self._row)

    @property
    def last_event(self) -> int:
        return self._row.last_seq

    @property
    def base_model(self) -> str | None:
        return self._row.base_model

    def settle_base_model(self, name: str) -> None:
        self._row.base_model = name

    def rename(self, name: str) -> None:
        self._row.name = name
        self._row.updated_at = datetime.now(UTC)

    def delete_at(self, time: datetime | None) -> None:
        """None: it stays."""
        self._row.delete_at = time
        self._row.updated_at = datetime.now(UTC)

    def set_overview(
        self,
        status: TaskStatus,
        current_step: StepName | None,
        progress: float,
        error_message: str | None,
    ) -> None:
        self._row.status = status.value
        self._row.current_step = current_step.value if current_step else None
        self._row.progress = progress
        self._row.error_message = error_message
        self._row.updated_at = datetime.now(UTC)

    def delete_task(self) -> None:
        """Everything that hangs on the task goes with it."""
        # Not left to ON DELETE CASCADE alone: a million events go faster this way.
        for table in (EventRow, FileRow, TranscriptRow, HandCutsRow, RunRow, JobRow, TaskRow):
            self._session.execute(delete(table).where(table.task_id == self._row.task_id))

    # -- jobs and runs

    def runs(self) -> list[StepRun]:
        """Every attempt, oldest first."""
        return [to_run(row) for row in self._session.scalars(self._run_rows())]

    def job_runs(self, job_id: str, position: int) -> list[StepRun]:
        """The attempts at one step of a job, oldest first."""
        query = self._run_rows().where(RunRow.job_id == job_id, RunRow.position == position)
        return [to_run(row) for row in self._session.scalars(query)]

    def open_job(self) -> JobRecord | None:
        query = select(JobRow).where(JobRow.task_id == self._row.task_id, JobRow.is_over.is_(False))
        row = self._session.scalar(query)
        return to_job(row) if row else None

    def add_job(self, job_id: str, steps: Sequence[PlannedStep]) -> JobRecord:
        row = JobRow(
            job_id=job_id,
            task_id=self._row.task_id,
            steps=[asdict(step) for step in steps],
            is_over=False,
            queued_at=datetime.now(UTC),
        )
        self._session.add(row)
        self._session.flush()
        return to_job(row)

    def close_job(self, job_id: str) -> None:
        self._session.execute(update(JobRow).where(JobRow.job_id == job_id).values(is_over=True))

    def add_run(
        self,
        *,
        run_id: str,
        job_id: str,
        position: int,
        step: StepName,
        state: RunState,
        params: dict[str, Any],
        warnings: list[str],
    ) -> StepRun:
        """The step's next attempt."""
        attempts = [run.attempt for run in self.runs() if run.step is step]
        row = RunRow(
            run_id=run_id,
            job_id=job_id,
            task_id=self._row.task_id,
            position=position,
            step=step.value,
            attempt=max(attempts, default=0) + 1,
            state=state.value,
            stale=False,
            params=params,
            warnings=warnings,
            progress=0.0,
            message="",
            queued_at=datetime.now(UTC),
        )
        self._session.add(row)
        self._session.flush()
        return to_run(row)

    def position(self, run_id: str) -> int:
        """A run's place in its job."""
        query = select(RunRow.position).where(RunRow.run_id == run_id)
        return self._session.scalars(query).one()

    def update_run(self, run_id: str, **values: Any) -> StepRun:
        """Set fields of a run, by the names of StepRun."""
        row = self._session.scalars(select(RunRow).where(RunRow.run_id == run_id)).one()
        for name, value in values.items():
            if not hasattr(row, name):
                raise AttributeError(f"a run has no {name}")
            setattr(row, name, value)
        self._session.flush()
        return to_run(row)

    def digest(self, run_id: str) -> str | None:
        return self._session.scalar(select(RunRow.digest).where(RunRow.run_id == run_id))

    def _run_rows(self) -> Any:
        return select(RunRow).where(RunRow.task_id == self._row.task_id).order_by(RunRow.number)

    # -- events

    def add_events(self, events: Iterable[NewEvent]) -> int:
        """Append; returns the number of the newest. Progress takes the place of what the same
        attempt told of it before: a training of days would fill the table with it."""
        for event in events:
            self._row.last_seq += 1
            if event.kind is EventKind.PROGRESS:
                self._forget_progress(event, self._row.last_seq)
            self._session.add(
                EventRow(
                    task_id=self._row.task_id,
                    seq=self._row.last_seq,
                    time=event.time,
                    kind=event.kind.value,
                    step=event.step.value if event.step else None,
                    attempt=event.attempt,
                    data=event.data,
                )
            )
        self._session.flush()
        return self._row.last_seq

    def told(self, kind: EventKind, step: StepName) -> Sequence[dict[str, Any]]:
        """What all attempts at the step have said."""
        mine = EventRow.task_id == self._row.task_id, EventRow.step == step.value
        query = select(EventRow.data).where(*mine, EventRow.kind == kind.value)
        return self._session.scalars(query).all()

    def _forget_progress(self, event: NewEvent, successor: int) -> None:
        mine = RunRow.task_id == self._row.task_id, RunRow.attempt == event.attempt
        run = self._session.scalar(select(RunRow).where(*mine, RunRow.step == event.step))
        if run is None:
            return
        if run.progress_event is not None:
            old = EventRow.task_id == self._row.task_id, EventRow.seq == run.progress_event
            self._session.execute(delete(EventRow).where(*old))
        run.progress_event = successor

    # -- files

    def put_files(self, files: Iterable[KnownFile]) -> None:
        for file in files:
            self._session.merge(
                FileRow(
                    task_id=self._row.task_id,
                    name=file.record.name,
                    kind=file.record.kind,
                    size=file.record.size,
                    sha256=file.record.sha256,
                    changed_ns=file.changed_ns,
                )
            )

    def drop_files(self, names: Iterable[str]) -> None:
        for name in names:
            self._session.execute(
                delete(FileRow).where(FileRow.task_id == self._row.task_id, FileRow.name == name)
            )
