"""Transcripts: what is said in each clip, and corrections to it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import PlainTextResponse

from ray_pipeline.core.blanks import one_line
from ray_pipeline.core.errors import Conflict, InvalidInput, NotFound
from ray_pipeline.core.languages import language_code
from ray_pipeline.core.task import Transcript
from ray_pipeline.core.workspace import Workspace
from ray_pipeline.transcripts.clip_timing import clip_timings
from ray_pipeline.transcripts.list_file import (
    ListRow,
    check_field,
    decode_list,
    name_key,
    parse_list,
    rows_by_name,
)
from serve_app.clip_schemas import (
    ListTaken,
    TranscriptBody,
    TranscriptChange,
    TranscriptsAnswer,
    TranscriptsEdit,
    etag_of,
)
from serve_app.dependencies import CoordinatorDep, StoreDep, TaskDep, WorkspaceDep
from serve_app.errors import problem_responses
from serve_app.json_bodies import JsonRoute
from serve_app.routes.clips import ClipName

router = APIRouter(tags=["transcripts"], route_class=JsonRoute)

_NAMED_IN_ERROR = 5

IfMatch = Annotated[
    str | None, Header(description="an `ETag` as it was answered; refuses to overwrite a change")
]


_LIST_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "text/plain": {
                "schema": {"type": "string"},
                "example": "talk.wav_0000000000_0000185280.wav|me|EN|Good morning, everyone.\n",
            }
        },
    }
}


@router.get("/task/{task_id}/transcripts", responses=problem_responses(404))
def list_transcripts(
    task: TaskDep, store: StoreDep, workspace: WorkspaceDep, response: Response
) -> TranscriptsAnswer:
    """Every clip with its text, and when it is spoken. The `ETag` can be sent back as `If-Match`
    with an edit; the `etag` of a row likewise with an edit of that clip alone."""
    return _answer(store.transcripts(task.task_id), workspace, response)


@router.put("/task/{task_id}/transcripts", responses=problem_responses(404, 409, 422))
async def edit_transcripts(
    body: TranscriptsEdit,
    task: TaskDep,
    store: StoreDep,
    workspace: WorkspaceDep,
    coordinator: CoordinatorDep,
    response: Response,
    if_match: IfMatch = None,
) -> TranscriptsAnswer:
    """Change clips by name; what is left out stays. With `If-Match` the edit is refused (409)
    when somebody else has changed the transcripts in between."""
    before = await asyncio.to_thread(store.transcripts, task.task_id)
    _require_match(if_match, before)
    by_clip = {transcript.clip: transcript for transcript in before}
    edited = []
    for edit in body.transcripts:
        if edit.clip not in by_clip:
            raise InvalidInput(**_unknown(edit.clip), field="transcripts.clip")
        edited.append(_edited(by_clip[edit.clip], edit))
    based_on = before if if_match else [by_clip[row.clip] for row in edited]
    await coordinator.put_transcripts(task.task_id, edited, based_on)
    after = await asyncio.to_thread(store.transcripts, task.task_id)
    return await asyncio.to_thread(_answer, after, workspace, response)


@router.get("/task/{task_id}/transcripts/{clip}", responses=problem_responses(404))
def get_transcript(
    clip: ClipName, task: TaskDep, store: StoreDep, workspace: WorkspaceDep, response: Response
) -> TranscriptBody:
    """What is said in one clip and when, with an `ETag` of its own."""
    return _one(_row(store.transcripts(task.task_id), clip), workspace, response)


@router.put("/task/{task_id}/transcripts/{clip}", responses=problem_responses(404, 409, 422))
async def edit_transcript(
    clip: ClipName,
    body: TranscriptChange,
    task: TaskDep,
    store: StoreDep,
    workspace: WorkspaceDep,
    coordinator: CoordinatorDep,
    response: Response,
    if_match: IfMatch = None,
) -> TranscriptBody:
    """Change one clip; what is left out stays. With `If-Match` the edit is refused (409) when
    somebody else has changed this clip in between; edits of other clips do not matter."""
    before = _row(await asyncio.to_thread(store.transcripts, task.task_id), clip)
    _require_match(if_match, [before])
    await coordinator.put_transcripts(task.task_id, [_edited(before, body)], [before])
    after = await asyncio.to_thread(store.transcripts, task.task_id)
    return await asyncio.to_thread(_one, _row(after, clip), workspace, response)


@router.get(
    "/task/{task_id}/transcripts.list",
    response_class=PlainTextResponse,
    responses=problem_responses(404),
)
def download_list(task: TaskDep, store: StoreDep) -> PlainTextResponse:
    """The included clips as the original's annotation list, `clip|speaker|LANGUAGE|text`. Edit
    it and upload it again as a file: rows are known by the clip's name."""
    speaker = task.config.exp_name
    rows = [
        ListRow(row.clip, row.speaker or speaker, row.language, row.text)
        for row in store.transcripts(task.task_id)
        if row.include and row.text.strip()
    ]
    disposition = f"attachment; filename*=utf-8''{quote(speaker, safe='')}.list"
    return PlainTextResponse(
        "".join(f"{row.line()}\n" for row in rows), headers={"Content-Disposition": disposition}
    )


@router.put(
    "/task/{task_id}/transcripts.list",
    openapi_extra=_LIST_BODY,
    responses=problem_responses(404, 409, 422),
)
async def upload_list(
    request: Request, task: TaskDep, store: StoreDep, coordinator: CoordinatorDep
) -> ListTaken:
    """The corrected list back: each row changes the clip it names, at once. A clip that had no
    text is included then; clips that are not in the list stay as they are. Rows that say different
    things about one clip are told, and none of them is taken."""
    decoded = decode_list(await request.body(), "The list")
    rows, problems = parse_list(decoded.text)
    before = await asyncio.to_thread(store.transcripts, task.task_id)
    by_clip = {row.clip: row for row in before}
    clip_of = {name_key(clip): clip for clip in by_clip}
    by_name, ambiguous = rows_by_name(rows)
    named = {clip_of[name]: row for name, row in by_name.items() if name in clip_of}
    unknown = [row.file_name for name, row in by_name.items() if name not in clip_of]
    unread = [
        f"Line {item.line} was not used: {item.reason.rstrip('.')}."
        for item in sorted([*problems, *ambiguous], key=lambda item: item.line)
    ]
    if decoded.remark:
        unread.insert(0, decoded.remark)
    if not named:
        raise InvalidInput(
            " ".join(["No row of the list names a clip of this task.", *unread[:_NAMED_IN_ERROR]]),
            hint="A list of recordings, or one for clips that have not been transcribed yet, is "
            "uploaded as a file.",
            field="body",
        )
    listed = [
        _listed(by_clip[clip], row, task.config.exp_name) for clip, row in sorted(named.items())
    ]
    changed = [row for row in listed if row != by_clip[row.clip]]
    await coordinator.put_transcripts(task.task_id, changed, [by_clip[row.clip] for row in changed])
    strange = [f"{name} is no clip of this task." for name in unknown]
    return ListTaken(rows=len(named), changed=len(changed), problems=unread + strange)


def _listed(row: Transcript, listed: ListRow, default_speaker: str) -> Transcript:
    """The row as a list has it; the task's own name stands in lists for no speaker."""
    speaker = row.speaker if listed.speaker == (row.speaker or default_speaker) else listed.speaker
    change = TranscriptChange(language=listed.language, speaker=speaker)
    if listed.text != row.text:
        change.text = listed.text
    return _edited(row, change)


def _require_match(if_match: str | None, rows: list[Transcript]) -> None:
    if if_match not in (None, "*", etag_of(rows)):
        raise Conflict(
            "The transcripts have changed since they were read.",
            hint="Read them again and repeat the edit.",
        )


def _row(rows: list[Transcript], clip: str) -> Transcript:
    found = next((row for row in rows if row.clip == clip), None)
    if found is None:
        raise NotFound(**_unknown(clip))
    return found


def _unknown(clip: str) -> dict[str, str]:
    return {
        "message": f"The task has no clip {clip!r}.",
        "hint": "GET …/transcripts lists the clips; asr_transcribe makes them.",
    }


def _edited(row: Transcript, edit: TranscriptChange) -> Transcript:
    changes = edit.model_dump(exclude={"clip"}, exclude_none=True)
    if "language" in changes:
        changes["language"] = language_code(changes["language"])
    for field in {"text", "speaker"} & set(changes):
        changes[field] = one_line(changes[field])
        check_field(field, changes[field])  # also where the clip is left out for now
    if "text" in changes:
        # Who writes the text of a clip that had none wants it to be used.
        changes = {"include": True} | changes if not row.text else changes
        changes |= {"source": "user", "confidence": None}
    return replace(row, **changes)


def _answer(
    transcripts: list[Transcript], workspace: Workspace, response: Response
) -> TranscriptsAnswer:
    response.headers["ETag"] = etag_of(transcripts)
    timings = clip_timings(workspace)
    bodies = [TranscriptBody.of(item, timings.get(item.clip)) for item in transcripts]
    return TranscriptsAnswer(transcripts=bodies)


def _one(transcript: Transcript, workspace: Workspace, response: Response) -> TranscriptBody:
    response.headers["ETag"] = etag_of([transcript])
    return TranscriptBody.of(transcript, clip_timings(workspace).get(transcript.clip))
