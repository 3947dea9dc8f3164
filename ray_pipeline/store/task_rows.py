"""The row of one task: made, and found."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ray_pipeline.core.errors import NotFound
from ray_pipeline.core.options import TaskConfig
from ray_pipeline.core.task import TaskStatus
from ray_pipeline.store.models import TaskRow


def new_task(session: Session, task_id: str, name: str, config: TaskConfig) -> TaskRow:
    now = datetime.now(UTC)
    row = TaskRow(
        task_id=task_id,
        name=name,
        config=config.model_dump(mode="json"),
        created_at=now,
        updated_at=now,
        status=TaskStatus.CREATED.value,
        progress=0.0,
        last_seq=0,
    )
    session.add(row)
    session.flush()
    return row


def find_task(session: Session, task_id: str, *, lock: bool = False) -> TaskRow:
    query = select(TaskRow).where(TaskRow.task_id == task_id)
    # PostgreSQL takes no NUL in a text, and no task has one in its name.
    known = "\0" not in task_id
    row = session.scalar(query.with_for_update() if lock else query) if known else None
    if row is None:
        raise NotFound(
            f"There is no task {task_id!r}.", hint="GET /api/v1/tasks lists them.", task=task_id
        )
    return row
