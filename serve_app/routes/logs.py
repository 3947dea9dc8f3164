"""The task's log, for people."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from ray_pipeline.coordinator.task_log import read_log
from serve_app.dependencies import TaskDep, WorkspaceDep, step_named
from serve_app.errors import problem_responses
from serve_app.schemas import LogsAnswer

router = APIRouter(tags=["logs"])


@router.get("/task/{task_id}/logs", responses=problem_responses(404))
def get_logs(
    task: TaskDep,
    workspace: WorkspaceDep,
    tail: Annotated[int | None, Query(ge=1, le=100_000, description="only the last lines")] = None,
    step: Annotated[str | None, Query(description="only lines of this step")] = None,
) -> LogsAnswer:
    """What each step did, a line an event."""
    wanted = step_named(step) if step else None
    return LogsAnswer(logs=read_log(workspace, tail=tail, step=wanted))
