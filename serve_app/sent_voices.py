"""From a request that brings a voice, or a version of one, to a draft that can be kept."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from ray_pipeline.core.errors import InvalidInput, TooLarge
from ray_pipeline.core.upload_kinds import UploadKind, upload_kind
from ray_pipeline.core.voices import VoiceVersion
from ray_pipeline.core.workspace import Workspace
from ray_pipeline.library.draft import Draft
from ray_pipeline.library.files import FileStore, files_folder
from ray_pipeline.library.from_archive import draft_of_archive
from ray_pipeline.library.from_files import (
    Recording,
    SentFiles,
    draft_of_files,
    draft_with_references,
)
from ray_pipeline.library.from_task import TrainedTask, draft_of_task
from serve_app.dependencies import Services
from serve_app.forms import Form
from serve_app.json_bodies import decoded
from serve_app.middleware import MAX_JSON_BYTES
from serve_app.uploads import StoredFile
from serve_app.voice_schemas import SentVersion

Body = TypeVar("Body", bound=BaseModel)
_JSON_FIELDS = ("references", "settings")


def is_form(request: Request) -> bool:
    return request.headers.get("content-type", "").lower().startswith("multipart/")


async def json_body(request: Request) -> bytes:
    """Raises TooLarge: the path takes weights, and so much more than any JSON has."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_JSON_BYTES:
            raise TooLarge(
                f"The request's body is over the limit of {MAX_JSON_BYTES / 1e6:g} MB.",
                hint="Send files as multipart/form-data.",
                limit_bytes=MAX_JSON_BYTES,
            )
    return bytes(body)


def parsed_json(request: Request, body: bytes, kind: type[Body]) -> Body:
    try:
        found = json.loads(decoded(body, request.headers.get("content-type", "")))
    except (ValueError, RecursionError):
        raise InvalidInput(
            "The request's body is not JSON.",
            hint="Send JSON with a task_id, or files as multipart/form-data.",
            field="body",
        ) from None
    return _valid(kind, found)


def parsed_fields(form: Form, kind: type[Body]) -> Body:
    """The text fields of a form; `references` and `settings` are JSON in them."""
    found: dict[str, Any] = dict(form.fields)
    for name in _JSON_FIELDS:
        if name in found:
            try:
                found[name] = json.loads(found[name])
            except (ValueError, RecursionError):
                raise InvalidInput(
                    f"The field {name} is not JSON.",
                    hint='Write it as references=[{"file": "happy.wav", "mood": "happy"}].',
                    field=name,
                ) from None
    if found.get("promote") in ("true", "false"):
        found["promote"] = found["promote"] == "true"
    return _valid(kind, found)


def _valid(kind: type[Body], found: Any) -> Body:
    try:
        return kind.model_validate(found)
    except ValidationError as error:
        problems = [{**item, "loc": ("body", *item["loc"])} for item in error.errors()]
        raise RequestValidationError(problems) from None


async def draft_from_task(
    services: Services, task_id: str, params: dict[str, Any], note: str
) -> Draft:
    """Raises NotFound for the task, and as `draft_of_task` does."""
    task = await asyncio.to_thread(_trained_task, services, task_id)
    return await services.apart(draft_of_task, task, params, note)


def _trained_task(services: Services, task_id: str) -> TrainedTask:
    store, settings = services.store, services.settings
    return TrainedTask(
        task_id=task_id,
        config=store.get_task(task_id).config,
        base_model=store.base_model(task_id),
        transcripts={row.clip: row for row in store.transcripts(task_id)},
        runs=store.latest_runs(task_id),
        workspace=Workspace(settings.tasks_dir / task_id),
        models_dir=settings.models_dir,
    )


async def draft_from_form(
    services: Services, form: Form, said: SentVersion, of: VoiceVersion | None = None
) -> Draft:
    """`of` is the version that recordings without weights are added to. Raises InvalidInput,
    BadModelFile and BackendMissing."""
    models_dir = services.settings.models_dir
    archives = [file for file in form.files if _is_archive(file)]
    if archives:
        if len(form.files) > 1:
            raise InvalidInput(
                "An archive of a voice comes alone.",
                hint="Send the other files as another version.",
                field="file",
            )
        path = archives[0].path
        draft = await services.apart(draft_of_archive, path, form.folder, models_dir, said.note)
        liked = said.settings.model_dump(exclude_unset=True)
        return replace(draft, settings={**draft.settings, **liked})
    sent = SentFiles(
        weights=[file.path for file in form.files if _is_weights(file)],
        recordings=_recordings(form, said),
        base_model=said.base_model,
        settings=said.settings.model_dump(exclude_unset=True),
        note=said.note,
    )
    if of is not None and not sent.weights and sent.base_model is None:
        files = FileStore(files_folder(services.settings.data_dir))
        return await services.apart(draft_with_references, of, files, sent)
    return await services.apart(draft_of_files, sent, models_dir)


def _is_archive(file: StoredFile) -> bool:
    return Path(file.sent_as).suffix.lower() == ".zip"


def _is_weights(file: StoredFile) -> bool:
    return upload_kind(file.sent_as) is UploadKind.WEIGHTS


def _recordings(form: Form, said: SentVersion) -> list[Recording]:
    files = [file for file in form.files if not _is_weights(file)]
    if said.references:
        by_name = {file.sent_as: file for file in files}
        unsaid = [name for name in by_name if name not in {row.file for row in said.references}]
        missing = [row.file for row in said.references if row.file not in by_name]
        if unsaid or missing:
            name = (missing or unsaid)[0]
            raise InvalidInput(
                f"{name} is {'not among the files' if missing else 'missing in references'}.",
                hint="Name each recording once in references, by the file name it is sent with.",
                field="references",
            )
        return [
            Recording(by_name[row.file].path, row.mood, row.text, row.language, row.file)
            for row in said.references
        ]
    if len(files) > 1:
        raise InvalidInput(
            f"There are {len(files)} recordings, and nothing says which is which.",
            hint='Add the field references: [{"file": "happy.wav", "mood": "happy", "text": "…", '
            '"language": "en"}, …].',
            field="references",
        )
    return [
        Recording(file.path, said.mood, said.reference_text, said.reference_language, file.sent_as)
        for file in files
    ]
