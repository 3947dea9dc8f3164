"""Kept voices: list, read, change, delete; their versions; what they imitate."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import FileResponse, Response

from ray_pipeline.core.errors import NotFound, VoiceDisabled
from ray_pipeline.core.voices import KeptReference, VoiceRecord, VoiceVersion
from ray_pipeline.library.files import FileStore, files_folder
from ray_pipeline.library.packing import pack_version, packed_folder
from serve_app.dependencies import CoordinatorDep, SettingsDep, StoreDep, VoiceDep, VoiceName
from serve_app.errors import problem_responses
from serve_app.file_answers import FILE_RESPONSES, file_answer
from serve_app.idempotency import IdempotencyKey, OnceRoute
from serve_app.voice_answers import all_voices, voice_answer
from serve_app.voice_schemas import (
    Promotion,
    VersionAnswer,
    VersionNumber,
    VersionsAnswer,
    VoiceAnswer,
    VoiceChange,
    VoiceDeleted,
    VoicesAnswer,
)

router = APIRouter(tags=["voices"], route_class=OnceRoute)

NumberInPath = Annotated[VersionNumber, Path(description="1, 2, 3 …, as GET …/versions lists them")]
Mood = Annotated[
    str,
    Path(description="what the recording is called", max_length=200, examples=["default"]),
]
_PARTS: dict[int | str, dict[str, Any]] = {
    206: {
        "description": "the part that `Range` asked for",
        "content": {"application/zip": {}, "multipart/byteranges": {}},
    },
}
_ZIP_RESPONSES = FILE_RESPONSES | {
    200: {"description": "the archive", "content": {"application/zip": {}}},
    **_PARTS,
}
_SOUND_RESPONSES = FILE_RESPONSES | {
    200: {"description": "the recording, as it was sent", "content": {"*/*": {}}},
}


@router.get("/voices")
def list_voices(store: StoreDep) -> VoicesAnswer:
    """Every kept voice, those that are out of use too."""
    return VoicesAnswer(voices=all_voices(store))


@router.get("/voices/{voice}", responses=problem_responses(404))
def get_voice(voice: VoiceDep, store: StoreDep) -> VoiceAnswer:
    """One voice, by name or id."""
    return voice_answer(store, voice)


@router.patch("/voices/{voice}", responses=problem_responses(404, 409, 422))
async def update_voice(
    voice: VoiceName, body: VoiceChange, coordinator: CoordinatorDep, store: StoreDep
) -> VoiceAnswer:
    """Rename a voice, say whose it is and who agreed, take it out of use or back into it. Who
    asks for a voice that is out of use gets 410 with the reason."""
    record = await coordinator.update_voice(voice, body.changes)
    return await asyncio.to_thread(voice_answer, store, record)


@router.delete("/voices/{voice}", responses=problem_responses(404))
async def delete_voice(voice: VoiceName, coordinator: CoordinatorDep) -> VoiceDeleted:
    """Remove a voice with its versions, its aliases, and the files that no other voice needs.
    The task that trained it stays."""
    record = await coordinator.delete_voice(voice)
    return VoiceDeleted(message=f"The voice {record.name} was deleted.", name=record.name)


@router.post("/voices/{voice}/promote", responses=problem_responses(404, 409, 422))
async def promote_version(
    voice: VoiceName,
    body: Promotion,
    coordinator: CoordinatorDep,
    store: StoreDep,
    idempotency_key: IdempotencyKey = None,
) -> VoiceAnswer:
    """Let a version speak. The one that did so far is what a rollback returns to."""
    record = await coordinator.promote_voice(voice, body.version)
    return await asyncio.to_thread(voice_answer, store, record)


@router.post("/voices/{voice}/rollback", responses=problem_responses(404, 409))
async def roll_back_version(
    voice: VoiceName,
    coordinator: CoordinatorDep,
    store: StoreDep,
    idempotency_key: IdempotencyKey = None,
) -> VoiceAnswer:
    """Let the version speak that did so before; a second rollback takes the first one back. 409
    if none did."""
    record = await coordinator.roll_back_voice(voice)
    return await asyncio.to_thread(voice_answer, store, record)


@router.get("/voices/{voice}/versions", responses=problem_responses(404))
def list_versions(voice: VoiceDep, store: StoreDep) -> VersionsAnswer:
    """Every version with where it came from."""
    versions = store.voice_versions(voice.voice_id)
    return VersionsAnswer(versions=[VersionAnswer.of(version) for version in versions])


@router.get("/voices/{voice}/versions/{number}", responses=problem_responses(404, 422))
def get_version(number: NumberInPath, voice: VoiceDep, store: StoreDep) -> VersionAnswer:
    """One version: its files, settings, words, metrics and lineage."""
    return VersionAnswer.of(store.voice_version(voice.voice_id, number))


@router.delete("/voices/{voice}/versions/{number}", responses=problem_responses(404, 409, 422))
async def delete_version(
    number: NumberInPath, voice: VoiceName, coordinator: CoordinatorDep
) -> VoiceDeleted:
    """Remove one version, and its files that no other needs; its number is not given again. 409
    for the one that speaks, and for one that an alias names."""
    record = await coordinator.delete_voice_version(voice, number)
    name = f"{record.name}@{number}"
    return VoiceDeleted(message=f"{name} was deleted.", name=name)


@router.get(
    "/voices/{voice}/versions/{number}/archive",
    response_class=FileResponse,
    responses=_ZIP_RESPONSES | problem_responses(404, 410, 422, 507),
)
async def download_version(
    request: Request,
    number: NumberInPath,
    voice: VoiceDep,
    store: StoreDep,
    settings: SettingsDep,
) -> Response:
    """A version as a zip, in the format of GET …/task/{task_id}/voice: weights in the original's
    formats, recordings, and a manifest with the SHA-256 of every file. POST /voices takes it."""
    _require_in_use(voice)
    version = await asyncio.to_thread(store.voice_version, voice.voice_id, number)
    files, folder = FileStore(files_folder(settings.data_dir)), packed_folder(settings.data_dir)
    archive = await asyncio.to_thread(pack_version, voice, version, files, folder)
    name = f"{voice.name}-{number}.zip"
    return await file_answer(request, archive, name=name, media_type="application/zip")


@router.get(
    "/voices/{voice}/references/{mood}",
    response_class=FileResponse,
    responses=_SOUND_RESPONSES | problem_responses(404, 410, 422),
)
async def get_reference(
    request: Request,
    mood: Mood,
    voice: VoiceDep,
    store: StoreDep,
    settings: SettingsDep,
    version: Annotated[
        VersionNumber | None, Query(description="default: the one that speaks")
    ] = None,
) -> Response:
    """A recording that the voice imitates."""
    _require_in_use(voice)
    number = version or voice.current
    found = await asyncio.to_thread(store.voice_version, voice.voice_id, number)
    audio = _of_mood(voice, found, mood).audio
    path = await asyncio.to_thread(FileStore(files_folder(settings.data_dir)).path_of, audio)
    return await file_answer(request, path, inline=True, name=audio.name)


def _of_mood(voice: VoiceRecord, version: VoiceVersion, mood: str) -> KeptReference:
    for reference in version.references:
        if reference.mood == mood:
            return reference
    moods = ", ".join(reference.mood for reference in version.references) or "none"
    raise NotFound(
        f"The voice {voice.name} has no recording called {mood[:100]!r}.",
        hint=f"There are: {moods}.",
    )


def _require_in_use(voice: VoiceRecord) -> None:
    if voice.disabled_reason:
        raise VoiceDisabled(
            f"The voice {voice.name} was taken out of use: {voice.disabled_reason}",
            hint="PATCH it with disabled: false to take it back.",
            reason=voice.disabled_reason,
        )
