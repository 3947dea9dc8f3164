"""The API's description, completed by what FastAPI cannot see: every failure is a problem
document, `config` and `params` are checked by `ray_pipeline.core.options`, what each field means,
an example of each answer, and the API key."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from ray_pipeline.core.options import OPTIONS
from ray_pipeline.core.speech import Delivery
from serve_app.answer_examples import ANSWER_EXAMPLES
from serve_app.errors import problem_responses
from serve_app.field_words import words_of
from serve_app.schemas import Problem
from serve_app.speech.dialects import is_api_v2, is_openai
from serve_app.speech.openai_schemas import ApiV2Error, OpenAiError
from serve_app.voice_schemas import NewVersion, NewVoice, SentReference

_METHODS = ("get", "put", "post", "patch", "delete", "head")


def install_openapi(app: FastAPI) -> None:
    def describe() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _describe(app)
        return app.openapi_schema

    app.openapi = describe  # type: ignore[method-assign]


def _describe(app: FastAPI) -> dict[str, Any]:
    schema = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes
    )
    components = schema["components"]
    _replace_fastapi_errors(schema)
    for model in (Problem, OpenAiError, ApiV2Error, NewVoice, NewVersion, SentReference, Delivery):
        _add(components, model)
    for options in OPTIONS.values():
        _add(components, options)
    _say_what_dicts_hold(components["schemas"])
    _say_what_fields_mean(components["schemas"])
    for path, operations in schema["paths"].items():
        for operation in operations.values():
            _add_failures(path, operation)
            _say_in_dialect(path, operation)
            _add_example(operation)
    components["securitySchemes"] = {"apiKey": {"type": "http", "scheme": "bearer"}}
    schema["security"] = [{}, {"apiKey": []}]
    return schema


def _add(components: dict[str, Any], model: type[BaseModel]) -> None:
    described = model.model_json_schema(ref_template="#/components/schemas/{model}")
    components["schemas"] |= described.pop("$defs", {})
    components["schemas"][model.__name__] = described


def _replace_fastapi_errors(schema: dict[str, Any]) -> None:
    for name in ("HTTPValidationError", "ValidationError"):
        schema["components"]["schemas"].pop(name, None)
    malformed = {str(status): body for status, body in problem_responses(422).items()}
    for path in schema["paths"].values():
        for method in _METHODS:
            responses = path.get(method, {}).get("responses", {})
            if "422" in responses:
                responses |= malformed


def _say_what_dicts_hold(schemas: dict[str, Any]) -> None:
    schemas["TaskCreate"]["properties"]["config"] = {"$ref": "#/components/schemas/TaskConfig"}
    schemas["StepRequest"]["properties"]["params"] = {
        "description": "by step: " + ", ".join(f"{s} {o.__name__}" for s, o in OPTIONS.items()),
        "anyOf": [{"$ref": f"#/components/schemas/{o.__name__}"} for o in OPTIONS.values()],
        "default": {},
    }


def _say_what_fields_mean(schemas: dict[str, Any]) -> None:
    for schema, described in schemas.items():
        for name, field in described.get("properties", {}).items():
            if "description" not in field and (words := words_of(schema, name)):
                field["description"] = words


def _add_failures(path: str, operation: dict[str, Any]) -> None:
    """What stands before every route can refuse, and what any of them can run into."""
    statuses = {403, 500}
    if path.startswith("/api/") or is_openai(path) or is_api_v2(path):
        statuses |= {401, 503}
    if "requestBody" in operation:
        statuses |= {413, 415, 507}
    if "206" in operation["responses"]:
        statuses |= {400, 416}
    for status, described in problem_responses(*sorted(statuses)).items():
        operation["responses"].setdefault(str(status), described)


def _say_in_dialect(path: str, operation: dict[str, Any]) -> None:
    """Failures on the paths of other services' clients have their shape, and no 422."""
    if not (is_openai(path) or is_api_v2(path)):
        return
    name = "OpenAiError" if is_openai(path) else "ApiV2Error"
    responses = operation["responses"]
    if "422" in responses:
        responses.setdefault("400", responses.pop("422"))
    for status, described in responses.items():
        if int(status) >= 400:
            schema = {"$ref": f"#/components/schemas/{name}"}
            content = {"application/json": {"schema": schema}}
            responses[status] = {**described, "content": content}


def _add_example(operation: dict[str, Any]) -> None:
    example = ANSWER_EXAMPLES.get(operation["operationId"])
    for status in ("200", "202"):
        content = operation["responses"].get(status, {}).get("content", {})
        if example is not None and "application/json" in content:
            content["application/json"]["example"] = example
            return  # the one of success; a report that is being made has its own
