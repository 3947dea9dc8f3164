"""The trained voice as one file."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse

from ray_pipeline.core.task import RunState, StepName
from ray_pipeline.voice.archive import pack_voice
from serve_app.dependencies import StoreDep, TaskDep, WorkspaceDep
from serve_app.errors import problem_responses
from serve_app.file_answers import FILE_RESPONSES, file_answer

router = APIRouter(tags=["voice"])

_ZIP_RESPONSES = FILE_RESPONSES | {
    200: {"description": "the archive", "content": {"application/zip": {}}},
    206: {
        "description": "the part that `Range` asked for",
        "content": {"application/zip": {}, "multipart/byteranges": {}},
    },
}


@router.get(
    "/task/{task_id}/voice",
    response_class=FileResponse,
    responses=_ZIP_RESPONSES | problem_responses(404, 409, 507),
)
async def download_voice(
    request: Request, task: TaskDep, store: StoreDep, workspace: WorkspaceDep
) -> Response:
    """The voice that test_inference spoke with last, as a zip: both weights in the original's
    formats, the reference with its text, a sample, the report on the recordings, a README, and a
    manifest (`voice.json`) with the SHA-256 of every file. 409 before test_inference has run."""
    runs = await asyncio.to_thread(store.latest_runs, task.task_id)
    last = runs.get(StepName.TEST_INFERENCE)
    spoken = last.result if last and last.state is RunState.COMPLETED else None
    archive = await asyncio.to_thread(pack_voice, workspace, task.config, spoken)
    name = f"{task.config.exp_name}-voice.zip"
    return await file_answer(request, archive, name=name, media_type="application/zip")
