"""What can be asked of the database, by anybody, at any time."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ray_pipeline.core.errors import NotFound, Unavailable
from ray_pipeline.core.options import TaskConfig
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.task import (
    Event,
    EventKind,
    FileRecord,
    RunState,
    StepRun,
    Task,
    TaskStatus,
)
from ray_pipeline.store.changes import KnownFile, NewEvent, TaskChange, read_known_files
from ray_pipeline.store.clip_rows import ClipQueries
from ray_pipeline.store.engine import WRITES, make_engine, plain_errors
from ray_pipeline.store.kept_answers import KeptAnswers
from ray_pipeline.store.models import (
    EventRow,
    FileRow,
    JobRow,
    LeaseRow,
    RunRow,
    TaskRow,
)
from ray_pipeline.store.records import (
    JobRecord,
    to_event,
    to_file,
    to_job,
    to_run,
    to_task,
)
from ray_pipeline.store.task_rows import find_task, new_task
from ray_pipeline.store.voice_changes import VoiceChanges
from ray_pipeline.store.voice_queries import VoiceQueries

MAX_PAGE = 1000


class LeaseLost(Unavailable):
    """Another coordinator has taken over; this process may write no more."""


class Store(ClipQueries, VoiceQueries, VoiceChanges):
    """Thread-safe; one per process is enough. The tables must exist (`upgrade`).

    Every method raises Unavailable while the database is away, and those that write StorageFull
    where it has no room.
    """

    def __init__(self, url: str) -> None:
        self._engine = make_engine(url)
        self._writer = self._engine.execution_options(**WRITES)
        # Writers of this process queue here instead of in SQLite, whose waiting is not fair.
        self._turn = threading.Lock()
        self._fence: int | None = None
        self.kept_answers = KeptAnswers(self.write)

    def close(self) -> None:
        self._engine.dispose()

    def is_reachable(self) -> bool:
        """True, or Unavailable is raised."""
        with self._read() as session:
            return session.scalar(select(1)) == 1

    # -- tasks

    def get_task(self, task_id: str) -> Task:
        """Raises NotFound."""
        with self._read() as session:
            return to_task(find_task(session, task_id))

    def list_tasks(
        self, *, status: TaskStatus | None = None, limit: int = 100, after: str | None = None
    ) -> list[Task]:
        """Newest first; `after` is the task_id that the previous page ended with.

        Raises NotFound if there is no task `after`.
        """
        query = select(TaskRow).order_by(TaskRow.number.desc()).limit(min(limit, MAX_PAGE))
        if status is not None:
            query = query.where(TaskRow.status == status.value)
        with self._read() as session:
            if after is not None:
                query = query.where(TaskRow.number < find_task(session, after).number)
            return [to_task(row) for row in session.scalars(query)]

    def due_deletions(self, now: datetime) -> list[str]:
        """Tasks that were deleted and whose time to be had back is over."""
        query = select(TaskRow.task_id).where(TaskRow.delete_at <= now)
        with self._read() as session:
            return list(session.scalars(query))

    def base_model(self, task_id: str) -> str | None:
        """The base model that the task's first step settled on; None before that."""
        with self._read() as session:
            return find_task(session, task_id).base_model

    # -- runs and jobs

    def step_runs(self, task_id: str) -> list[StepRun]:
        """Every attempt, in the order in which they were queued. Raises NotFound."""
        with self._read() as session:
            find_task(session, task_id)
            query = select(RunRow).where(RunRow.task_id == task_id).order_by(RunRow.number)
            return [to_run(row) for row in session.scalars(query)]

    def latest_runs(self, task_id: str) -> dict[StepName, StepRun]:
        """The last attempt at each step that was ever started. Raises NotFound."""
        return {run.step: run for run in self.step_runs(task_id)}

    def get_run(self, run_id: str) -> StepRun:
        """Raises NotFound."""
        with self._read() as session:
            row = session.scalar(select(RunRow).where(RunRow.run_id == run_id))
            if row is None:
                raise NotFound(f"There is no run {run_id!r}.")
            return to_run(row)

    def open_runs(self) -> list[StepRun]:
        """Runs of all tasks that are queued or running."""
        states = (RunState.QUEUED.value, RunState.RUNNING.value)
        query = select(RunRow).where(RunRow.state.in_(states)).order_by(RunRow.number)
        with self._read() as session:
            return [to_run(row) for row in session.scalars(query)]

    def get_job(self, job_id: str) -> JobRecord | None:
        with self._read() as session:
            row = session.scalar(select(JobRow).where(JobRow.job_id == job_id))
            return to_job(row) if row else None

    def open_jobs(self) -> list[JobRecord]:
        """Jobs of all tasks that are not over, oldest first."""
        query = select(JobRow).where(JobRow.is_over.is_(False)).order_by(JobRow.number)
        with self._read() as session:
            return [to_job(row) for row in session.scalars(query)]

    def paused_jobs(self) -> set[str]:
        """Ids of the jobs whose newest run is paused."""
        newest = select(func.max(RunRow.number)).group_by(RunRow.job_id)
        query = select(RunRow.job_id).where(
            RunRow.state == RunState.PAUSED.value, RunRow.number.in_(newest)
        )
        with self._read() as session:
            return set(session.scalars(query))

    def is_idle(self, task_id: str) -> bool:
        """Whether no job of the task waits or runs. Raises NotFound."""
        mine = JobRow.task_id == task_id, JobRow.is_over.is_(False)
        with self._read() as session:
            find_task(session, task_id)
            return session.scalar(select(JobRow.number).where(*mine).limit(1)) is None

    # -- events

    def events(
        self,
        task_id: str,
        *,
        after: int = 0,
        limit: int = 500,
        kinds: Collection[EventKind] | None = None,
        step: StepName | None = None,
    ) -> list[Event]:
        """Events with `seq` above `after`, oldest first. Raises NotFound."""
        query = select(EventRow).where(EventRow.task_id == task_id, EventRow.seq > after)
        if kinds is not None:
            query = query.where(EventRow.kind.in_([kind.value for kind in kinds]))
        if step is not None:
            query = query.where(EventRow.step == step.value)
        with self._read() as session:
            find_task(session, task_id)
            page = query.order_by(EventRow.seq).limit(min(limit, MAX_PAGE))
            return [to_event(row) for row in session.scalars(page)]

    def newest_event(self, task_id: str) -> int:
        """The highest `seq` of the task. Raises NotFound."""
        with self._read() as session:
            return find_task(session, task_id).last_seq

    # -- files

    def files(self, task_id: str) -> list[FileRecord]:
        """By name. Raises NotFound."""
        query = select(FileRow).where(FileRow.task_id == task_id).order_by(FileRow.name)
        with self._read() as session:
            find_task(session, task_id)
            return [to_file(row) for row in session.scalars(query)]

    def known_files(self, task_id: str) -> dict[str, KnownFile]:
        """By name, with what tells whether a hash still holds."""
        with self._read() as session:
            return read_known_files(session, task_id)

    # -- writing: the coordinator only

    def create_task(
        self, task_id: str, name: str, config: TaskConfig, events: Iterable[NewEvent] = ()
    ) -> Task:
        with self.write() as session:
            row = new_task(session, task_id, name, config)
            TaskChange(session, row).add_events(events)
            return to_task(row)

    @contextmanager
    def change(self, task_id: str) -> Iterator[TaskChange]:
        """One transaction on one task, which is locked meanwhile. Nothing is kept if the block
        raises. Raises NotFound."""
        with self.write() as session:
            row = find_task(session, task_id, lock=True)
            yield TaskChange(session, row)

    def write_under(self, fence: int) -> None:
        """Each write from now on checks that the lease still has this number."""
        self._fence = fence

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction. Raises LeaseLost if the lease has another number than ours."""
        with self.unfenced_write() as session:
            if self._fence is not None:
                # Locked (shared) until the end: who takes the lease waits for this transaction.
                query = select(LeaseRow.fence).with_for_update(read=True)
                if session.scalars(query).one() != self._fence:
                    raise LeaseLost(
                        "Another coordinator has taken over the database.",
                        hint="Ask again in a few seconds.",
                    )
            yield session

    @contextmanager
    def unfenced_write(self) -> Iterator[Session]:
        """A transaction that asks nobody; for taking the lease itself."""
        with (
            plain_errors(),
            self._turn,
            Session(self._writer) as session,
            session.begin(),
        ):
            yield session

    @contextmanager
    def _read(self) -> Iterator[Session]:
        with plain_errors(), Session(self._engine) as session:
            yield session
