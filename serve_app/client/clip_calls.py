"""The routes of clips as data: texts, sound, cuts, the report on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from serve_app.client.calls import Call, doing, task_path
from serve_app.clip_schemas import (
    CutRecording,
    CutsAnswer,
    ListTaken,
    NewClips,
    ReportAnswer,
    TranscriptBody,
    TranscriptsAnswer,
    WaveformAnswer,
)
from serve_app.schemas import Message


def transcripts(task_id: str) -> Call[list[TranscriptBody]]:
    return Call("GET", task_path(task_id, "/transcripts"), _transcripts)


def edit_transcripts(task_id: str, edits: list[dict[str, Any]]) -> Call[list[TranscriptBody]]:
    body = {"transcripts": edits}
    return Call("PUT", task_path(task_id, "/transcripts"), _transcripts, {"json": body})


def _transcripts(data: Any) -> list[TranscriptBody]:
    return TranscriptsAnswer.model_validate(data).transcripts


def edit_transcript(
    task_id: str, clip: str, changes: Mapping[str, Any], etag: str | None
) -> Call[TranscriptBody]:
    body = {name: value for name, value in changes.items() if value is not None}
    options: dict[str, Any] = {"json": body, "headers": {"If-Match": etag} if etag else {}}
    return Call("PUT", transcript_path(task_id, clip), TranscriptBody.model_validate, options)


def transcript(task_id: str, clip: str) -> Call[TranscriptBody]:
    return Call("GET", transcript_path(task_id, clip), TranscriptBody.model_validate)


def transcript_path(task_id: str, clip: str) -> str:
    return task_path(task_id, f"/transcripts/{quote(clip, safe='')}")


def list_path(task_id: str) -> str:
    return task_path(task_id, "/transcripts.list")


def upload_list(task_id: str, content: bytes) -> Call[ListTaken]:
    options = {"content": content, "headers": {"Content-Type": "text/plain"}}
    return Call("PUT", list_path(task_id), ListTaken.model_validate, options)


def clip_path(task_id: str, clip: str, view: str) -> str:
    """`view` is audio or waveform."""
    return task_path(task_id, f"/clips/{quote(clip, safe='')}/{view}")


def waveform(task_id: str, clip: str, points: int) -> Call[WaveformAnswer]:
    path = clip_path(task_id, clip, "waveform")
    return Call("GET", path, WaveformAnswer.model_validate, {"params": {"points": points}})


def picture_options(width: int, height: int) -> dict[str, Any]:
    return {"params": {"format": "png", "width": width, "height": height}}


def report(task_id: str) -> Call[ReportAnswer]:
    return Call("GET", task_path(task_id, "/report"), ReportAnswer.model_validate)


def cuts(task_id: str) -> Call[list[CutRecording]]:
    return Call(
        "GET", task_path(task_id, "/cuts"), lambda data: CutsAnswer.model_validate(data).cuts
    )


def cut_clips(
    task_id: str, clips: Sequence[str], pieces: Sequence[Mapping[str, Any]]
) -> Call[list[str]]:
    body = {"clips": list(clips), "pieces": [dict(piece) for piece in pieces]}
    return Call(
        "POST",
        task_path(task_id, "/cuts"),
        lambda data: NewClips.model_validate(data).clips,
        doing(body),
    )


def forget_cuts(task_id: str, recording: str) -> Call[Message]:
    path = task_path(task_id, f"/cuts/{quote(recording, safe='')}")
    return Call("DELETE", path, Message.model_validate)
