"""Transcripts: what is said in each clip, and corrections to it."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, replace
from typing import Annotated

from fastapi import APIRouter, Header, Response

from ray_pipeline.errors import Conflict, InvalidInput
from ray_pipeline.manifest import fingerprint
from ray_pipeline.options import language_code
from ray_pipeline.task import Transcript
from serve_app.dependencies import CoordinatorDep, StoreDep, TaskDep
from serve_app.errors import problem_responses
from serve_app.schemas import TranscriptBody, TranscriptEdit, TranscriptsAnswer, TranscriptsEdit

router = APIRouter(tags=["transcripts"])


@router.get("/task/{task_id}/transcripts", responses=problem_responses(404))
def list_transcripts(task: TaskDep, store: StoreDep, response: Response) -> TranscriptsAnswer:
    """Every clip with its text. The `ETag` can be sent back as `If-Match` with an edit."""
    return _answer(store.transcripts(task.task_id), response)


@router.put("/task/{task_id}/transcripts", responses=problem_responses(404, 409, 422))
async def edit_transcripts(
    body: TranscriptsEdit,
    task: TaskDep,
    store: StoreDep,
    coordinator: CoordinatorDep,
    response: Response,
    if_match: Annotated[str | None, Header()] = None,
) -> TranscriptsAnswer:
    """Change clips by name; what is left out stays. With `If-Match` the edit is refused (409)
    when somebody else has changed the transcripts in between."""
    before = await asyncio.to_thread(store.transcripts, task.task_id)
    if if_match not in (None, "*", _etag(before)):
        raise Conflict(
            "The transcripts have changed since they were read.",
            hint="Read them again and repeat the edit.",
            task=task.task_id,
        )
    by_clip = {transcript.clip: transcript for transcript in before}
    edited = [_edited(edit, by_clip) for edit in body.transcripts]
    await coordinator.put_transcripts(task.task_id, edited)
    return _answer(await asyncio.to_thread(store.transcripts, task.task_id), response)


def _edited(edit: TranscriptEdit, by_clip: dict[str, Transcript]) -> Transcript:
    if edit.clip not in by_clip:
        raise InvalidInput(
            f"The task has no clip {edit.clip!r}.",
            hint="GET …/transcripts lists the clips; asr_transcribe makes them.",
            field="transcripts.clip",
        )
    changes = edit.model_dump(exclude={"clip"}, exclude_none=True)
    if "language" in changes:
        changes["language"] = language_code(changes["language"])
    if "text" in changes:
        changes |= {"source": "user", "confidence": None}
    return replace(by_clip[edit.clip], **changes)


def _answer(transcripts: list[Transcript], response: Response) -> TranscriptsAnswer:
    response.headers["ETag"] = _etag(transcripts)
    return TranscriptsAnswer(transcripts=[TranscriptBody.of(item) for item in transcripts])


def _etag(transcripts: list[Transcript]) -> str:
    return f'"{fingerprint(transcripts=[asdict(item) for item in transcripts])}"'
