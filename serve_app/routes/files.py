"""Files: upload, list, download, remove."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from fastapi.responses import FileResponse, JSONResponse, PlainTextResponse, Response

from ray_pipeline.coordinator.interface import Coordinator
from ray_pipeline.coordinator.task_log import read_log
from ray_pipeline.core.errors import NotFound, PipelineError
from ray_pipeline.core.task import FileRecord
from ray_pipeline.core.upload_kinds import UploadKind, upload_kind
from ray_pipeline.core.workspace import Workspace, is_partial
from serve_app.dependencies import (
    CheckWeightsDep,
    CoordinatorDep,
    StoreDep,
    TaskDep,
    TaskId,
    WorkspaceDep,
)
from serve_app.errors import problem_responses
from serve_app.file_answers import FILE_RESPONSES, file_answer
from serve_app.idempotency import REPLAYED, IdempotencyKey, digest_of, once
from serve_app.schemas import FileAnswer, FilesAnswer, Message, UploadAnswer
from serve_app.upload_names import FIELD
from serve_app.uploads import StoredFile, receive_files
from serve_app.weights_check import CheckWeights

router = APIRouter(tags=["files"])

FileName = Annotated[
    str,
    Path(
        description="a path below the task's folder, or a bare name looked for in output/, the "
        "experiment folder, the exported weights, the task's folder and the uploads",
        examples=["output/my_speaker.wav"],
    ),
]

# The body is read as a stream, so FastAPI cannot derive this.
_MULTIPART: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": [FIELD],
                    "properties": {
                        FIELD: {
                            "type": "array",
                            "items": {"type": "string", "format": "binary"},
                            "description": "one or several files: audio, a .txt transcript "
                            "beside an audio file, a .list, a .dict of pronunciations, or weights "
                            "of a voice (.pth, .ckpt)",
                        }
                    },
                }
            }
        },
    }
}


@router.post(
    "/task/{task_id}/files/upload",
    openapi_extra=_MULTIPART,
    response_model=UploadAnswer,
    responses=problem_responses(404, 409, 413, 422),
)
async def upload_files(
    task: TaskDep,
    request: Request,
    workspace: WorkspaceDep,
    coordinator: CoordinatorDep,
    check_weights: CheckWeightsDep,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Store one or several files. A name that is taken is kept as `name (2).wav`. Weights of a
    voice (.pth, .ckpt) can be named as `gpt_model` and `sovits_model` of test_inference; a file
    that is called so and is none refuses the upload."""
    content_type = request.headers.get("content-type", "")
    language = task.config.language
    stored = await receive_files(request, content_type, workspace.input_audio, language)

    async def keep() -> Response:
        records = await _accept(task.task_id, workspace, stored, coordinator, check_weights)
        return JSONResponse(_answer(task.task_id, stored, records).model_dump(mode="json"))

    # The boundary between the files is another each time; what was sent is names and content.
    said = "\n".join(f"{file.sha256} {file.sent_as}" for file in stored)
    try:
        response = await once(request, digest_of(request, said.encode()), keep)
    except PipelineError:
        _discard(stored)
        raise
    if REPLAYED in response.headers:
        _discard(stored)
    return response


def _answer(task_id: str, stored: list[StoredFile], records: list[FileRecord]) -> UploadAnswer:
    names = [file.path.name for file in stored]
    return UploadAnswer(
        message=f"Stored {', '.join(names)}.",
        task_id=task_id,
        filename=names[0],
        size=stored[0].size,
        sha256=stored[0].sha256,
        files=[FileAnswer.of(record) for record in records],
    )


def _discard(stored: list[StoredFile]) -> None:
    for file in stored:
        file.path.unlink(missing_ok=True)


async def _accept(
    task_id: str,
    workspace: Workspace,
    stored: list[StoredFile],
    coordinator: Coordinator,
    check_weights: CheckWeights,
) -> list[FileRecord]:
    """All files are known to the coordinator afterwards, or none is left on the disk. Raises
    BadModelFile for weights that are none."""
    try:
        for file in stored:
            if upload_kind(file.path.name) is UploadKind.WEIGHTS:
                await check_weights(file.path)
        return [
            await coordinator.register_file(task_id, workspace.relative(file.path))
            for file in stored
        ]
    except BaseException:
        _discard(stored)
        raise


@router.get("/task/{task_id}/files", responses=problem_responses(404))
def list_files(task: TaskDep, store: StoreDep) -> FilesAnswer:
    """Every file of the task: uploads, what the steps made, logs."""
    return FilesAnswer(files=[FileAnswer.of(record) for record in store.files(task.task_id)])


@router.get(
    "/task/{task_id}/files/download/{filename:path}",
    response_class=FileResponse,
    responses=FILE_RESPONSES | problem_responses(404, 422),
)
async def download_file(
    request: Request, filename: FileName, task: TaskDep, workspace: WorkspaceDep
) -> Response:
    """One file, whole or in ranges."""
    path = await asyncio.to_thread(workspace.find, filename, task.config.exp_name)
    if is_partial(path):
        raise NotFound(f"The task has no file {filename!r}.")
    if path == workspace.log_path:  # its tracebacks are for whoever runs the service
        return PlainTextResponse(await asyncio.to_thread(read_log, workspace))
    return await file_answer(request, path)


@router.delete("/task/{task_id}/files/{filename:path}", responses=problem_responses(404, 409, 422))
async def delete_file(task_id: TaskId, filename: FileName, coordinator: CoordinatorDep) -> Message:
    """Remove an uploaded file. What a step made can only be removed with the task."""
    await coordinator.remove_file(task_id, filename)
    return Message(message=f"{filename} was removed.", task_id=task_id)
