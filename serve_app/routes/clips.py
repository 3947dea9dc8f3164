"""Clips: listen to one, see one."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Path, Query, Request, Response
from fastapi.responses import FileResponse, JSONResponse

from ray_pipeline.core.clip_audio import clip_audio_of
from ray_pipeline.core.manifest import fingerprint
from serve_app.clip_schemas import WaveformAnswer
from serve_app.dependencies import WorkspaceDep
from serve_app.errors import problem_responses
from serve_app.file_answers import FILE_RESPONSES, file_answer, is_unchanged

router = APIRouter(tags=["clips"])

ClipName = Annotated[
    str,
    Path(
        max_length=300,
        description="the clip's file name, as GET …/transcripts lists it",
        examples=["talk.wav_0000000000_0000185280.wav"],
    ),
]

_AUDIO_RESPONSES = FILE_RESPONSES | {
    200: {"description": "the clip", "content": {"audio/wav": {}}},
    206: {
        "description": "the part that `Range` asked for",
        "content": {"audio/wav": {}, "multipart/byteranges": {}},
    },
}
_WAVEFORM_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/png": {}}, "description": "the outline, as JSON or as a picture"},
    304: {"description": "unchanged since the `ETag` in `If-None-Match`"},
    **problem_responses(404),
}


@router.get(
    "/task/{task_id}/clips/{clip}/audio",
    response_class=FileResponse,
    responses=_AUDIO_RESPONSES | problem_responses(404),
)
async def get_clip_audio(request: Request, clip: ClipName, workspace: WorkspaceDep) -> Response:
    """A clip as training hears it (denoised where that is fresh): WAV, whole or in ranges."""
    found = await asyncio.to_thread(clip_audio_of, workspace, clip)
    return await file_answer(
        request, workspace.root / found.path, inline=True, media_type="audio/wav"
    )


@router.get(
    "/task/{task_id}/clips/{clip}/waveform",
    response_model=WaveformAnswer,
    responses=_WAVEFORM_RESPONSES,
)
def get_clip_waveform(
    clip: ClipName,
    workspace: WorkspaceDep,
    points: Annotated[
        int, Query(ge=1, le=10_000, description="JSON: parts to cut the clip into")
    ] = 400,
    format: Annotated[
        Literal["json", "png"] | None,
        Query(description="default: what `Accept` prefers, else JSON"),
    ] = None,
    width: Annotated[int, Query(ge=16, le=4096, description="PNG: pixels")] = 800,
    height: Annotated[int, Query(ge=16, le=1024, description="PNG: pixels")] = 120,
    accept: Annotated[str, Header(description="image/png asks for the picture")] = "",
    if_none_match: Annotated[
        str | None, Header(description="an `ETag` as it was answered: 304 if it still holds")
    ] = None,
) -> Response:
    """The outline of a clip: the lowest and the highest sample of equal parts of it, as JSON or
    as a picture (PNG, transparent background)."""
    from ray_pipeline.audio.wav import duration_seconds
    from ray_pipeline.audio.waveform import peaks, picture

    sound = clip_audio_of(workspace, clip)
    path = workspace.root / sound.path
    as_picture = format == "png" or (format is None and accept.startswith("image/"))
    form = ["png", width, height] if as_picture else ["json", points, clip]
    etag = f'"{fingerprint(sound=sound.sha256, form=form)}"'
    headers = {"ETag": etag, "Cache-Control": "no-cache", "Vary": "Accept"}
    if is_unchanged(if_none_match, etag):
        return Response(status_code=304, headers=headers)
    if as_picture:
        return Response(picture(path, width, height), media_type="image/png", headers=headers)
    seconds = round(duration_seconds(path), 4)
    answer = WaveformAnswer(clip=clip, seconds=seconds, peaks=peaks(path, points))
    return JSONResponse(answer.model_dump(), headers=headers)
