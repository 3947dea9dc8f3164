"""The API's description says what is answered; whoever adds a field or a route describes it."""

from typing import Any

import pytest
from fastapi.routing import APIRoute, iter_route_contexts
from fastapi.testclient import TestClient
from pydantic import TypeAdapter, ValidationError

from ray_pipeline.core.options import OPTIONS
from serve_app.answer_examples import ANSWER_EXAMPLES
from serve_app.clip_schemas import TranscriptChange
from serve_app.field_words import FIELD_WORDS
from serve_app.schemas import RunRequest
from serve_app.text_schemas import PhonemizeRequest
from tests.serve_app.conftest import MakeClient


@pytest.fixture
def described(client: TestClient) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/openapi.json").json()
    return found


def operations(described: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        operation["operationId"]: operation
        for methods in described["paths"].values()
        for operation in methods.values()
    }


def test_every_field_says_what_it_means_and_no_sentence_is_left_over(
    described: dict[str, Any],
) -> None:
    schemas = described["components"]["schemas"]
    fields = {
        f"{schema}.{name}": field
        for schema, content in schemas.items()
        for name, field in content.get("properties", {}).items()
    }
    assert [name for name, field in fields.items() if not field.get("description")] == []
    known = set(fields) | {name.partition(".")[2] for name in fields}
    assert set(FIELD_WORDS) - known == set()


def test_every_parameter_says_what_it_means(described: dict[str, Any]) -> None:
    silent = [
        (name, parameter["name"])
        for name, operation in operations(described).items()
        for parameter in operation.get("parameters", [])
        if not parameter.get("description")
    ]
    assert silent == []


def test_operations_have_names_that_people_call(described: dict[str, Any]) -> None:
    named = [
        operation["operationId"]
        for methods in described["paths"].values()
        for operation in methods.values()
    ]
    assert len(set(named)) == len(named)
    assert {"create_task", "upload_files", "run_steps", "download_file", "get_report"} <= set(named)
    assert not [name for name in named if "api_v1" in name or "__" in name]


def test_each_example_is_an_answer_of_its_own_route(client: TestClient) -> None:
    described = operations(client.get("/openapi.json").json())
    models = {
        context.name: context.response_model
        for context in iter_route_contexts(client.app.routes)
        if isinstance(context.original_route, APIRoute) and context.response_model is not None
    }
    missing = set(models) - set(ANSWER_EXAMPLES) - {"get_capabilities"}
    assert missing == set()
    for name, example in ANSWER_EXAMPLES.items():
        TypeAdapter(models[name]).validate_python(example)
        answers = [described[name]["responses"].get(status, {}) for status in ("200", "202")]
        shown = [
            answer["content"]["application/json"].get("example")
            for answer in answers
            if "application/json" in answer.get("content", {})
        ]
        assert example in shown, name
    sentences = {name: e["message"] for name, e in ANSWER_EXAMPLES.items() if "message" in e}
    assert len(set(sentences.values())) == len(sentences)


def test_what_is_answered_is_described(
    client: TestClient, make_client: MakeClient, task: str
) -> None:
    described = operations(client.get("/openapi.json").json())
    send = client.post(
        f"/api/v1/task/{task}/files/upload", files={"file": ("a.wav", b"0123456789")}
    )
    assert send.status_code == 200
    file = f"/api/v1/task/{task}/files/download/input_audio/a.wav"
    clip = f"/api/v1/task/{task}/clips/0.wav/audio"
    guarded = make_client(api_key="0123456789abcdef0123")
    packed = {"Content-Encoding": "gzip"}
    for name, answer in [
        ("list_tasks", client.get("/api/v1/tasks?after=none")),
        ("list_tasks", guarded.get("/api/v1/tasks")),
        ("get_task", client.get("/api/v1/task/none", headers={"Host": "evil.example"})),
        ("create_task", client.post("/api/v1/task/create", content=b"x", headers=packed)),
        ("upload_files", client.post(f"/api/v1/task/{task}/files/upload", content=b"x")),
        ("upload_list", client.put(f"/api/v1/task/{task}/transcripts.list", content=b"")),
        ("download_file", client.get(file, headers={"Range": "bytes=x"})),
        ("download_file", client.get(file, headers={"Range": "bytes=99-"})),
        ("download_file", client.get(file, headers={"Range": "bytes=1-2"})),
        ("get_clip_audio", client.get(clip)),
        ("get_root", client.get("/", headers={"Accept": "text/html"})),
    ]:
        responses = described[name]["responses"]
        assert str(answer.status_code) in responses, (name, answer.status_code)
        content = set(responses[str(answer.status_code)]["content"])
        kind = answer.headers["content-type"].partition(";")[0]
        assert content & {kind, "*/*"}, (name, kind)


def test_where_the_description_says_boolean_nothing_else_is_taken(
    described: dict[str, Any],
) -> None:
    requests = [*OPTIONS.values(), RunRequest, TranscriptChange, PhonemizeRequest]
    tried = 0
    for model in requests:
        for name, field in described["components"]["schemas"][model.__name__]["properties"].items():
            if {"type": "boolean"} not in (field.get("anyOf", [{"type": field.get("type")}])):
                continue
            tried += 1
            for wrong in (0, 1, "true", "no"):
                with pytest.raises(ValidationError, match="valid boolean"):
                    model.model_validate({name: wrong})
    assert tried >= 25
