from pathlib import Path

import httpx
import pytest
from fastapi import Request
from fastapi.testclient import TestClient

from serve_app.client import Client
from serve_app.idempotency import digest_of
from tests.serve_app.local_coordinator import LocalCoordinator

KEY = {"Idempotency-Key": "4f1c"}
CREATE = "/api/v1/task/create"
NANO = {"language": "en", "base_model": "nano"}


def test_a_task_is_created_once_for_a_key(client: TestClient) -> None:
    body = {"task_name": "x", "config": NANO}
    first = client.post(CREATE, json=body, headers=KEY)
    again = client.post(CREATE, json=body, headers=KEY)
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    assert again.headers["idempotent-replayed"] == "true"
    assert len(client.get("/api/v1/tasks").json()) == 1
    other = client.post(CREATE, json=body | {"task_name": "y"}, headers=KEY)
    assert (other.status_code, other.json()["field"]) == (422, "header.Idempotency-Key")
    new = client.post(CREATE, json=body, headers={"Idempotency-Key": "another"})
    assert new.json()["task_id"] != first.json()["task_id"]


@pytest.mark.parametrize("path", ["step/convert_audio", "run"])
def test_a_run_is_started_once_for_a_key(
    client: TestClient, task_with_audio: str, path: str
) -> None:
    url = f"/api/v1/task/{task_with_audio}/{path}"
    first = client.post(url, json={}, headers=KEY)
    again = client.post(url, json={}, headers=KEY)
    assert (first.status_code, again.status_code) == (202, 202), again.text
    assert again.json() == first.json()
    assert client.post(url, json={}).status_code == 409  # without a key it is another run


def test_a_refused_request_may_be_sent_again_with_its_key(client: TestClient, task_id: str) -> None:
    url = f"/api/v1/task/{task_id}/step/convert_audio"
    files = {"file": ("a.wav", b"sound")}
    wrong = client.post(f"/api/v1/task/{task_id}/step/train_gpt", json={}, headers=KEY)
    assert wrong.status_code == 409
    assert client.post(f"/api/v1/task/{task_id}/files/upload", files=files).status_code == 200
    assert client.post(url, json={}, headers=KEY).status_code == 202


def test_while_the_first_is_under_way_the_second_is_409(
    client: TestClient, coordinator: LocalCoordinator
) -> None:
    url = httpx.URL(CREATE)
    request = Request({"type": "http", "method": "POST", "path": url.path, "query_string": b"",
                       "server": ("127.0.0.1", 8000), "scheme": "http", "headers": []})  # fmt: skip
    digest = digest_of(request, b"{}")
    assert coordinator.store.kept_answers.begin("4f1c", digest) is None
    answer = client.post(CREATE, content=b"{}", headers=KEY)
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert answer.json()["in_flight"] is True


def test_an_upload_is_stored_once_for_a_key(
    client: TestClient, task_id: str, tmp_path: Path
) -> None:
    url = f"/api/v1/task/{task_id}/files/upload"
    files = {"file": ("a.wav", b"sound")}
    first = client.post(url, files=files, headers=KEY)
    again = client.post(url, files=files, headers=KEY)
    assert (first.status_code, again.json()) == (200, first.json())
    other = client.post(url, files={"file": ("a.wav", b"other")}, headers=KEY)
    assert other.status_code == 422
    folder = tmp_path / "api_tasks" / task_id / "input_audio"
    assert [path.name for path in folder.iterdir()] == ["a.wav"]
    assert client.post(url, files=files).json()["filename"] == "a (2).wav"


def test_a_key_that_no_header_should_hold_is_refused(client: TestClient) -> None:
    for key in ("", "two words", "x" * 256):
        answer = client.post(CREATE, json={}, headers={"Idempotency-Key": key})
        assert answer.status_code == 422, key


def test_the_client_sends_again_what_a_broken_connection_left_open(url: str) -> None:
    keys: list[str] = []

    class Breaking(httpx.HTTPTransport):
        """Sends the first request on, and loses the answer."""

        def handle_request(self, request: httpx.Request) -> httpx.Response:
            response = super().handle_request(request)
            if request.method == "POST":
                keys.append(request.headers["idempotency-key"])
                if len(keys) == 1:
                    response.read()
                    raise httpx.ReadError("cut off")
            return response

    with Client(http=httpx.Client(base_url=url, transport=Breaking(), timeout=10)) as client:
        client.create("a voice", NANO)
        assert len(client.tasks()) == 1
        client.create("another", NANO)
        assert len(client.tasks()) == 2
    assert keys[0] == keys[1] != keys[2]
