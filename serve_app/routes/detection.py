"""Whether a file is synthetic speech that says so."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request
from pydantic import Field

from ray_pipeline.audio.detecting import detect
from ray_pipeline.core.errors import InvalidInput, StepFailed
from ray_pipeline.library.keeping import incoming_folder
from serve_app.dependencies import ServicesDep
from serve_app.errors import problem_responses
from serve_app.forms import received_form
from serve_app.schemas import Answer

router = APIRouter(tags=["speech"])

_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {
                            "type": "string",
                            "format": "binary",
                            "description": "one sound file",
                        }
                    },
                }
            }
        },
    }
}


class DetectedAnswer(Answer):
    """No finding is no proof that a person spoke: tags can be taken away, and other programs mark
    their speech otherwise or not at all."""

    is_synthetic: bool = Field(description="whether the tags or the watermark say so")
    metadata: dict[str, Any] | None = Field(
        description="what the tags say: generator, voices, models, seed; null: nothing"
    )
    watermark: bool | None = Field(description="null: nobody could look; `remarks` say why")
    marked_seconds: float = Field(description="with the watermark")
    judged_seconds: float = Field(description="in which it could be looked for: not silence")
    remarks: list[str] = Field(description="what was not looked at, in sentences")


@router.post(
    "/detect",
    openapi_extra=_BODY,
    response_model=DetectedAnswer,
    responses=problem_responses(413, 422),
)
async def detect_speech(request: Request, services: ServicesDep) -> DetectedAnswer:
    """Whether a sound file says that it is synthetic: by its tags, which tell voice, version, model
    and seed, or by the watermark in the sound, where the service can look for it."""
    async with received_form(request, incoming_folder(services.settings.data_dir)) as form:
        if len(form.files) != 1:
            raise InvalidInput(
                f"{len(form.files)} files were sent.",
                hint="Send one sound file in the field file.",
                field="file",
            )
        try:
            found = await services.apart(detect, form.files[0].path)
        except StepFailed as error:
            raise InvalidInput(error.message, hint=error.hint, field="file") from None
    return DetectedAnswer(is_synthetic=found.is_synthetic, **asdict(found))
