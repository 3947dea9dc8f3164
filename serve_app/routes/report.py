"""The data doctor: what is wrong with the recordings, before anything is trained on them."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Response

from serve_app.clip_schemas import ReportAnswer
from serve_app.dependencies import ReportDeskDep, StoreDep, TaskDep, WorkspaceDep
from serve_app.errors import problem_responses

router = APIRouter(tags=["report"])

_RETRY_AFTER_SECONDS = 2


@router.get(
    "/task/{task_id}/report",
    responses={
        202: {"model": ReportAnswer, "description": "being made"},
        **problem_responses(404, 409),
    },
)
async def get_report(
    task: TaskDep,
    workspace: WorkspaceDep,
    store: StoreDep,
    desk: ReportDeskDep,
    response: Response,
) -> ReportAnswer:
    """A verdict on every clip with its reasons, a grade for the set, what to do, and which
    clips training leaves out. 202 with `state: working` while it is being made: ask again.
    A task without clips answers 409."""
    transcripts = await asyncio.to_thread(store.transcripts, task.task_id)
    found = await desk.report(workspace, transcripts)
    if found is None:
        response.status_code = 202
        response.headers["Retry-After"] = str(_RETRY_AFTER_SECONDS)
        return ReportAnswer(state="working")
    return ReportAnswer(state="ready", report=found)
