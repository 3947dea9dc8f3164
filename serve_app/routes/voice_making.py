"""Keeping voices and versions: from a task, or from files that are sent."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from ray_pipeline.coordinator.interface import AboutVoice
from ray_pipeline.core.errors import InvalidInput
from ray_pipeline.core.voice_names import check_voice_name
from ray_pipeline.core.workspace import safe_file_name
from ray_pipeline.library.draft import Draft
from ray_pipeline.library.keeping import incoming_folder
from serve_app.dependencies import Services, ServicesDep, VoiceDep
from serve_app.errors import problem_responses
from serve_app.forms import Form, received_form
from serve_app.idempotency import IdempotencyKey, digest_of, once
from serve_app.sent_voices import (
    draft_from_form,
    draft_from_task,
    is_form,
    json_body,
    parsed_fields,
    parsed_json,
)
from serve_app.voice_answers import voice_answer
from serve_app.voice_schemas import (
    NewVersion,
    NewVoice,
    SentVersion,
    SentVoice,
    VersionAnswer,
    VoiceAnswer,
)

router = APIRouter(tags=["voices"])

_FILES = {
    "type": "array",
    "items": {"type": "string", "format": "binary"},
    "description": "the .ckpt and the .pth of a voice (or the two .safetensors of one of the base "
    "mini) with one or several recordings of 3 to 10 s; or one archive (.zip) of a voice; or "
    "recordings alone, with base_model or for another version",
}


def _body(asked: type[BaseModel], form: type[BaseModel]) -> dict[str, Any]:
    """The body is read as a stream, so FastAPI cannot derive this."""
    fields = form.model_json_schema(ref_template="#/components/schemas/{model}")
    fields.pop("$defs", None)
    fields["properties"] = {"file": _FILES, **fields["properties"]}
    kinds = {
        "application/json": {"schema": {"$ref": f"#/components/schemas/{asked.__name__}"}},
        "multipart/form-data": {"schema": fields},
    }
    return {"requestBody": {"required": True, "content": kinds}}


@router.post(
    "/voices",
    openapi_extra=_body(NewVoice, SentVoice),
    response_model=VoiceAnswer,
    responses=problem_responses(404, 409, 413, 422, 501),
)
async def create_voice(
    request: Request, services: ServicesDep, idempotency_key: IdempotencyKey = None
) -> Response:
    """Keep a voice. JSON: the one that a task has trained, with the pair and the reference that
    test_inference would take. A form: one that was trained elsewhere, checked and never run; or,
    with `base_model`, a recording that a base model imitates untrained. 409 if the name is taken:
    another version is kept by POST …/versions."""

    async def of_task(asked: NewVoice) -> BaseModel:
        check_voice_name(asked.name)
        draft = await draft_from_task(services, asked.task_id, asked.params, asked.note)
        return await keep(asked.name, draft, asked)

    async def of_form(form: Form) -> BaseModel:
        said = parsed_fields(form, SentVoice)
        if said.name:
            check_voice_name(said.name)
        draft = await draft_from_form(services, form, said)
        return await keep(said.name or _called(draft), draft, said)

    async def keep(name: str, draft: Draft, said: NewVoice | SentVoice) -> BaseModel:
        about = AboutVoice(language=said.language, owner=said.owner, consent=said.consent)
        record = await services.coordinator.create_voice(name, draft, about)
        return await asyncio.to_thread(voice_answer, services.store, record)

    return await _once(request, services, NewVoice, of_task, of_form)


@router.post(
    "/voices/{voice}/versions",
    openapi_extra=_body(NewVersion, SentVersion),
    response_model=VersionAnswer,
    responses=problem_responses(404, 409, 413, 422, 501),
)
async def create_version(
    request: Request,
    voice: VoiceDep,
    services: ServicesDep,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Keep another version of a voice, from a task or from files as POST /voices takes them. A
    form with recordings alone repeats the current version with these added, or in place of those
    of the same mood. It speaks once it is promoted, or at once with `promote`."""

    async def of_task(asked: NewVersion) -> BaseModel:
        draft = await draft_from_task(services, asked.task_id, asked.params, asked.note)
        return await keep(draft, promote=asked.promote)

    async def of_form(form: Form) -> BaseModel:
        said = parsed_fields(form, SentVersion)
        store = services.store
        current = await asyncio.to_thread(store.voice_version, voice.voice_id, voice.current)
        draft = await draft_from_form(services, form, said, current)
        return await keep(draft, promote=said.promote)

    async def keep(draft: Draft, *, promote: bool) -> BaseModel:
        add = services.coordinator.add_voice_version
        return VersionAnswer.of(await add(voice.voice_id, draft, promote))

    return await _once(request, services, NewVersion, of_task, of_form)


async def _once(
    request: Request,
    services: Services,
    asked: type[Any],
    of_task: Callable[[Any], Awaitable[BaseModel]],
    of_form: Callable[[Form], Awaitable[BaseModel]],
) -> Response:
    """Do what a request says in either of its forms, once for each Idempotency-Key."""
    if not is_form(request):
        body = await json_body(request)
        wanted = parsed_json(request, body, asked)

        async def do() -> Response:
            return JSONResponse((await of_task(wanted)).model_dump(mode="json"))

        return await once(request, digest_of(request, body), do)
    async with received_form(request, incoming_folder(services.settings.data_dir)) as form:

        async def do_form() -> Response:
            return JSONResponse((await of_form(form)).model_dump(mode="json"))

        return await once(request, digest_of(request, form.said), do_form)


def _called(draft: Draft) -> str:
    """The name that an archive has for its voice. Raises InvalidInput without one."""
    if not draft.voice_name:
        raise InvalidInput(
            "The voice has no name.", hint="Send it in the field name.", field="name"
        )
    return safe_file_name(draft.voice_name).replace(" ", "_")
