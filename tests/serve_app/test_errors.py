import logging

import pytest
from fastapi.testclient import TestClient

from ray_pipeline.core.errors import all_error_types
from ray_pipeline.store import Store
from serve_app.errors import STATUS_OF_CODE


def test_every_error_code_has_a_status_and_no_status_is_left_over() -> None:
    assert set(STATUS_OF_CODE) == {kind.code for kind in all_error_types()}


def test_a_malformed_body_is_a_problem_document(client: TestClient) -> None:
    answer = client.post("/api/v1/task/create", json={"task_name": 5, "more": 1})
    assert answer.status_code == 422
    body = answer.json()
    assert {"type", "title", "status", "detail", "code", "hint"} <= body.keys()
    assert {item["field"] for item in body["errors"]} == {"task_name", "more"}


def test_a_body_that_is_no_json_is_said_to_be_none(client: TestClient) -> None:
    answer = client.post(
        "/api/v1/task/create", content=b"{not", headers={"content-type": "application/json"}
    )
    assert (answer.status_code, answer.json()["field"]) == (422, "body")
    assert "not JSON" in answer.json()["detail"]


def test_unknown_paths_and_methods_are_problem_documents(client: TestClient) -> None:
    for answer, status in (
        (client.get("/nowhere"), 404),
        (client.post("/api/v1/tasks"), 405),
    ):
        assert (answer.status_code, answer.json()["status"]) == (status, status)
        assert answer.headers["content-type"] == "application/problem+json"


def test_a_bug_answers_with_an_id_and_tells_only_the_log(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the secret inside")

    monkeypatch.setattr(Store, "list_tasks", broken)
    with caplog.at_level(logging.ERROR):
        answer = client.get("/api/v1/tasks")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert answer.json()["incident"] in caplog.text
    assert "the secret inside" in caplog.text
