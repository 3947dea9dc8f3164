from datetime import datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient

from ray_pipeline.coordinator.interface import Cancellation
from ray_pipeline.store import make_engine
from tests.serve_app.conftest import MakeClient
from tests.serve_app.local_coordinator import LocalCoordinator


def create(client: TestClient, **config: object) -> dict:
    body = {"task_name": "语音克隆测试", "config": config}
    answer = client.post("/api/v1/task/create", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_new_task_has_every_field_and_the_documented_defaults(client: TestClient) -> None:
    task = create(client)
    assert task["task_name"] == "语音克隆测试"
    assert task["status"] == "created"
    assert (task["current_step"], task["progress"], task["error_message"]) == (None, 0, None)
    assert datetime.fromisoformat(task["created_at"]).tzinfo is not None
    wanted = {
        "exp_name": "my_speaker",
        "language": "zh",
        "batch_size": 16,
        "epochs_s2": 50,
        "epochs_s1": 15,
        "gpu_id": "0",
    }
    assert wanted.items() <= task["config"].items()
    base = task.pop("base_model")
    assert client.get(f"/api/v1/task/{task['task_id']}").json() == task | {"warnings": []}
    assert base["name"] == "mini"
    assert "comes with the project" in base["reason"]


def test_a_wrong_config_field_is_named(client: TestClient) -> None:
    for config, field in (
        ({"batch_size": 0}, "config.batch_size"),
        ({"language": "fr"}, "config.language"),
        ({"no_such": 1}, "config.no_such"),
        ({"exp_name": "../x"}, "config.exp_name"),
    ):
        answer = client.post("/api/v1/task/create", json={"task_name": "x", "config": config})
        assert answer.status_code == 422
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["field"] == field


def test_an_installation_can_set_defaults_that_a_request_overrides(
    make_client: MakeClient,
) -> None:
    client = make_client(default_batch_size=4, default_epochs_s1=3)
    config = create(client, epochs_s1=9)["config"]
    assert (config["batch_size"], config["epochs_s1"]) == (4, 9)


def test_tasks_come_newest_first_in_pages(client: TestClient) -> None:
    made = [create(client)["task_id"] for _ in range(4)]
    page = client.get("/api/v1/tasks", params={"limit": 3}).json()
    assert [task["task_id"] for task in page] == made[:0:-1]
    rest = client.get("/api/v1/tasks", params={"after": page[-1]["task_id"]}).json()
    assert [task["task_id"] for task in rest] == made[:1]
    assert client.get("/api/v1/tasks", params={"status": "running"}).json() == []


def test_an_unknown_task_is_404_on_every_route(client: TestClient) -> None:
    task = "/api/v1/task/no-such-task"
    answers = [
        client.get(task),
        client.delete(task),
        client.post(f"{task}/cancel"),
        client.post(f"{task}/step/convert_audio", json={"params": {}}),
        client.post(f"{task}/run", json={}),
        client.get(f"{task}/steps"),
        client.get(f"{task}/files"),
        client.get(f"{task}/files/download/x.wav"),
        client.post(f"{task}/files/upload", files={"file": ("a.wav", b"x")}),
        client.get(f"{task}/logs"),
        client.get(f"{task}/events"),
        client.get(f"{task}/events/stream"),
        client.get(f"{task}/transcripts"),
        client.put(f"{task}/transcripts", json={"transcripts": []}),
    ]
    for answer in answers:
        assert answer.status_code == 404, answer.url
        assert answer.json()["code"] == "not_found"


def test_cancel_ends_what_waits_and_says_when_there_is_nothing(
    client: TestClient, task_with_audio: str
) -> None:
    task = f"/api/v1/task/{task_with_audio}"
    client.post(f"{task}/step/convert_audio", json={"params": {}})
    assert "cancelled" in client.post(f"{task}/cancel").json()["message"]
    assert client.get(task).json()["status"] == "cancelled"
    assert client.post(f"{task}/cancel").json()["message"] == "Nothing was running."


def test_a_paused_task_is_said_to_be_so_only_to_clients_that_know_pauses(
    client: TestClient, task_with_audio: str
) -> None:
    task = f"/api/v1/task/{task_with_audio}"
    knowing = {"GSV-Knows": "paused"}
    assert client.post(f"{task}/pause").json()["message"] == "Nothing was running."
    client.post(f"{task}/step/convert_audio", json={"params": {}})
    assert client.post(f"{task}/pause").json()["message"] == "The task was paused."
    assert client.get(task, headers=knowing).json()["status"] == "paused"
    assert client.get(task).json()["status"] == "queued"
    listed = client.get("/api/v1/tasks", headers=knowing, params={"status": "paused"}).json()
    assert [each["status"] for each in listed] == ["paused"]
    refusal = client.post(f"{task}/step/convert_audio", json={"params": {}})
    assert refusal.status_code == 409
    assert client.post(f"{task}/resume").json()["message"] == "The task goes on."
    assert client.post(f"{task}/resume").json()["message"] == "Nothing was paused."
    assert client.get(task, headers=knowing).json()["status"] == "queued"


def test_delete_removes_the_files_too(
    client: TestClient, task_with_audio: str, coordinator: LocalCoordinator, tmp_path
) -> None:
    assert (tmp_path / "api_tasks" / task_with_audio / "input_audio" / "talk.wav").exists()
    answer = client.delete(f"/api/v1/task/{task_with_audio}")
    assert answer.status_code == 200
    assert answer.json()["message"]
    assert not (tmp_path / "api_tasks" / task_with_audio).exists()
    assert client.get(f"/api/v1/task/{task_with_audio}").status_code == 404


def test_a_restarting_coordinator_is_503_with_a_hint_to_retry(
    client: TestClient, coordinator: LocalCoordinator
) -> None:
    coordinator.is_down = True
    answer = client.post("/api/v1/task/create", json={"task_name": "x"})
    assert answer.status_code == 503
    assert "retry-after" in answer.headers
    assert client.get("/health/ready").status_code == 503
    assert client.get("/health/live").status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {"task_name": "a\0b"},
        {"task_name": "x", "config": {"exp_name": "a\0"}},
        {"task_name": "x", "config": {"a\0": ["b"]}},
        {"task_name": "x", "config": {"a": [{"b": "\0"}]}},
    ],
)
def test_nul_is_refused_wherever_it_stands(client: TestClient, body: dict[str, Any]) -> None:
    answer = client.post("/api/v1/task/create", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
    assert "U+0000" in answer.json()["detail"]


@pytest.mark.parametrize("depth", [600, 900, 100_000])
def test_a_body_that_nests_too_deep_is_refused_and_no_fault(client: TestClient, depth: int) -> None:
    nested = "[" * depth + "]" * depth
    for path, body in (
        ("task/create", '{"task_name": "x", "config": {"a": %s}}'),
        ("task/create", '{"task_name": "x", "config": {"language": %s}}'),
        ("text/phonemize", '{"text": "x", "language": %s}'),
    ):
        headers = {"Content-Type": "application/json"}
        answer = client.post(f"/api/v1/{path}", content=(body % nested).encode(), headers=headers)
        assert answer.status_code in (400, 422), answer.text


def test_a_task_that_somebody_starts_while_it_is_deleted_stays(
    client: TestClient,
    task_with_audio: str,
    coordinator: LocalCoordinator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    coordinator.plan(task_with_audio, "convert_audio")
    late = Cancellation(task=coordinator.store.get_task(task_with_audio), cancelled=False)
    monkeypatch.setattr(coordinator.halting, "cancel", lambda task_id: late)
    path = f"/api/v1/task/{task_with_audio}"
    answer = client.delete(path)
    assert (answer.status_code, answer.json()["code"]) == (409, "task_busy")
    assert client.get(path).status_code == 200
    described = client.get("/openapi.json").json()["paths"]["/api/v1/task/{task_id}"]["delete"]
    assert "409" in described["responses"]


def test_creating_a_task_says_what_chinese_would_be_trained_without(client: TestClient) -> None:
    def create(language: str, base_model: str) -> list[str]:
        config = {"language": language, "base_model": base_model}
        body = {"task_name": "x", "config": config}
        answer = client.post("/api/v1/task/create", json=body).json()
        assert client.get(f"/api/v1/task/{answer['task_id']}").json()["warnings"] == []
        return answer["warnings"]

    (sentence,) = create("zh", "nano")
    assert "gsv models pull bert" in sentence
    assert create("en", "nano") == []
    assert create("zh", "mini") == []


def test_a_database_that_is_away_is_503_with_a_time_to_come_again(
    client: TestClient, task_id: str, coordinator: LocalCoordinator, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = make_engine("sqlite:////proc/no_such_folder_can_be_made.sqlite3")
    monkeypatch.setattr(coordinator.store, "_engine", nowhere)
    monkeypatch.setattr(coordinator.store, "_writer", nowhere)
    for method, path in [
        ("GET", f"task/{task_id}"),
        ("GET", f"task/{task_id}/events"),
        ("GET", "tasks"),
        ("POST", "task/create"),
        ("POST", f"task/{task_id}/cancel"),
        ("POST", f"task/{task_id}/run"),
    ]:
        answer = client.request(
            method, f"/api/v1/{path}", json={"task_name": "x"} if "create" in path else None
        )
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable"), path
        assert int(answer.headers["retry-after"]) > 0
    nowhere.dispose()


@pytest.mark.parametrize("name", ["%00", "a%00b"])
def test_nul_in_a_name_is_no_task(client: TestClient, name: str) -> None:
    assert client.get(f"/api/v1/task/{name}").status_code == 404
    assert client.get(f"/api/v1/tasks?after={name}").status_code in (404, 422)
