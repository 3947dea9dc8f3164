from fastapi.testclient import TestClient

from ray_pipeline.core.task import EventKind, StepName
from tests.serve_app.local_coordinator import LocalCoordinator


def start(client: TestClient, task_id: str, step: str, **params: object):
    return client.post(f"/api/v1/task/{task_id}/step/{step}", json={"params": params})


def test_starting_a_step_answers_202_and_the_status_has_changed(
    client: TestClient, task_with_audio: str
) -> None:
    answer = start(client, task_with_audio, "convert_audio")
    assert answer.status_code == 202
    body = answer.json()
    assert {"message", "task_id", "step", "run_id"} <= body.keys()
    assert (body["task_id"], body["step"]) == (task_with_audio, "convert_audio")
    task = client.get(f"/api/v1/task/{task_with_audio}").json()
    assert (task["status"], task["current_step"]) == ("queued", "convert_audio")


def test_a_step_may_be_started_without_a_body(client: TestClient, task_with_audio: str) -> None:
    answer = client.post(f"/api/v1/task/{task_with_audio}/step/convert_audio")
    assert answer.status_code == 202


def test_an_unknown_step_is_404_and_lists_the_steps(client: TestClient, task_id: str) -> None:
    answer = start(client, task_id, "make_coffee")
    assert answer.status_code == 404
    assert "test_inference" in answer.json()["detail"]


def test_a_step_out_of_order_is_409_with_what_is_missing(client: TestClient, task_id: str) -> None:
    answer = start(client, task_id, "train_gpt")
    assert answer.status_code == 409
    assert answer.json()["code"] == "step_not_ready"
    assert answer.json()["missing"] == ["extract_text_features", "extract_semantic_features"]


def test_a_second_run_while_one_goes_on_is_409(client: TestClient, task_with_audio: str) -> None:
    start(client, task_with_audio, "convert_audio")
    for answer in (
        start(client, task_with_audio, "convert_audio"),
        client.post(f"/api/v1/task/{task_with_audio}/run", json={}),
    ):
        assert answer.status_code == 409
        assert answer.json()["code"] == "task_busy"
        assert answer.json()["retryable"] is True


def test_wrong_parameters_are_refused_when_the_request_arrives(
    client: TestClient, task_id: str
) -> None:
    answer = start(client, task_id, "slice_audio", threshold="loud")
    assert (answer.status_code, answer.json()["field"]) == (422, "params.threshold")


def test_the_published_shifted_slicer_payload_is_answered_with_a_warning(
    client: TestClient, task_with_audio: str, coordinator: LocalCoordinator
) -> None:
    coordinator.do(task_with_audio, "convert_audio")
    shifted = {
        "min_length": -34,
        "min_interval": 4000,
        "hop_size": 300,
        "max_sil_kept": 10,
        "_max": 500,
        "alpha": 0.9,
        "n_parts": 0.25,
        "is_speech": 0,
        "num_processes": 1,
    }
    answer = start(client, task_with_audio, "slice_audio", **shifted)
    assert answer.status_code == 202, answer.text
    assert "read by position" in answer.json()["warnings"][0]
    steps = client.get(f"/api/v1/task/{task_with_audio}/steps").json()["steps"]
    assert steps[1]["params"]["threshold"] == -34


def test_a_step_can_be_skipped(client: TestClient, task_with_audio: str) -> None:
    answer = start(client, task_with_audio, "denoise_audio", enabled=False)
    assert answer.status_code == 202
    assert "skipped" in answer.json()["message"]


def test_the_steps_are_all_eleven_with_their_latest_attempt(
    client: TestClient, task_with_audio: str, coordinator: LocalCoordinator
) -> None:
    coordinator.do(task_with_audio, "convert_audio", summary={"files": 1})
    start(client, task_with_audio, "slice_audio")
    run = coordinator.begin(task_with_audio)
    coordinator.report(run, EventKind.PROGRESS, done=1, total=2, fraction=0.5, message="half")
    steps = client.get(f"/api/v1/task/{task_with_audio}/steps").json()["steps"]
    assert [step["step"] for step in steps] == [step.value for step in StepName]
    assert (steps[0]["state"], steps[0]["result"]) == ("completed", {"files": 1})
    assert (steps[1]["state"], steps[1]["progress"], steps[1]["message"]) == (
        "running",
        0.5,
        "half",
    )
    assert steps[2]["state"] is None


def test_a_failed_step_fails_the_task_with_its_sentence(
    client: TestClient, task_with_audio: str, coordinator: LocalCoordinator
) -> None:
    error = {"code": "nothing_usable", "message": "No file could be read."}
    coordinator.do(task_with_audio, "convert_audio", error=error, traceback="Traceback: secret")
    task = client.get(f"/api/v1/task/{task_with_audio}").json()
    assert (task["status"], task["error_message"]) == ("failed", "No file could be read.")
    logs = client.get(f"/api/v1/task/{task_with_audio}/logs").json()["logs"]
    assert "No file could be read." in logs
    assert "secret" not in logs
    whole = client.get(f"/api/v1/task/{task_with_audio}/files/download/training.log")
    assert whole.status_code == 200
    assert "secret" not in whole.text


def test_run_starts_what_remains_as_one_job(
    client: TestClient, task_with_audio: str, coordinator: LocalCoordinator
) -> None:
    coordinator.do(task_with_audio, "convert_audio")
    body = {"to": "asr_transcribe", "params": {"slice_audio": {"threshold": -40}}}
    answer = client.post(f"/api/v1/task/{task_with_audio}/run", json=body)
    assert answer.status_code == 202, answer.text
    assert answer.json()["steps"] == ["slice_audio", "denoise_audio", "asr_transcribe"]
    assert answer.json()["job_id"]


def test_run_refuses_ends_in_the_wrong_order_and_unknown_steps(
    client: TestClient, task_with_audio: str
) -> None:
    for body in ({"from": "train_gpt", "to": "slice_audio"}, {"from": "nowhere"}, {"form": "x"}):
        answer = client.post(f"/api/v1/task/{task_with_audio}/run", json=body)
        assert answer.status_code == 422
        assert answer.json()["code"] == "invalid_input"


def test_logs_can_be_cut_to_a_step_and_a_tail(
    client: TestClient, task_with_audio: str, coordinator: LocalCoordinator
) -> None:
    coordinator.do(task_with_audio, "convert_audio")
    coordinator.do(task_with_audio, "slice_audio")
    logs = f"/api/v1/task/{task_with_audio}/logs"
    assert "[convert_audio]" in client.get(logs).json()["logs"]
    only = client.get(logs, params={"step": "slice_audio"}).json()["logs"]
    assert "[slice_audio]" in only
    assert "[convert_audio]" not in only
    assert len(client.get(logs, params={"tail": 1}).json()["logs"].splitlines()) == 1
    assert client.get(logs, params={"step": "nowhere"}).status_code == 404
