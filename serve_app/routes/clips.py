"""Clips: listen to one, see one."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import FileResponse

from ray_pipeline.steps.clip_audio import clip_audio_of
from serve_app.clip_schemas import WaveformAnswer
from serve_app.dependencies import WorkspaceDep
from serve_app.errors import problem_responses
from serve_app.file_answers import FILE_RESPONSES, file_answer

router = APIRouter(tags=["clips"])

ClipName = Annotated[str, Path(max_length=300, examples=["talk.wav_0000000000_0000185280.wav"])]


@router.get(
    "/task/{task_id}/clips/{clip}/audio",
    response_class=FileResponse,
    responses=FILE_RESPONSES | problem_responses(404),
)
@router.head("/task/{task_id}/clips/{clip}/audio", include_in_schema=False)
async def clip_sound(request: Request, clip: ClipName, workspace: WorkspaceDep) -> Response:
    """A clip as training hears it (denoised where that is fresh): WAV, whole or in ranges."""
    found = await asyncio.to_thread(clip_audio_of, workspace, clip)
    return await file_answer(request, workspace.root / found.path, inline=True)


@router.get("/task/{task_id}/clips/{clip}/waveform", responses=problem_responses(404))
def clip_waveform(
    clip: ClipName,
    workspace: WorkspaceDep,
    points: Annotated[int, Query(ge=1, le=10_000, description="parts to cut the clip into")] = 400,
) -> WaveformAnswer:
    """The outline of a clip: the lowest and the highest sample of equal parts of it."""
    from ray_pipeline.audio.wav import duration_seconds
    from ray_pipeline.audio.waveform import peaks

    path = workspace.root / clip_audio_of(workspace, clip).path
    return WaveformAnswer(
        clip=clip, seconds=round(duration_seconds(path), 4), peaks=peaks(path, points)
    )
