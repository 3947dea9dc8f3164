"""What may be set by route, what a training would really do, and a task at a glance."""

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from ray_pipeline.core.options import OPTIONS, TaskConfig, parse_options
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.workspace import Workspace
from ray_pipeline.training.preflight import Room
from tests.serve_app.local_coordinator import LocalCoordinator


def plan(client: TestClient, task_id: str, **asked: int | str) -> dict:
    answer = client.get(f"/api/v1/task/{task_id}/plan", params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


def trainings(client: TestClient, task_id: str, **asked: int | str) -> dict:
    return {row["step"]: row for row in plan(client, task_id, **asked)["trainings"]}


@pytest.fixture
def mini_task(client: TestClient) -> str:
    body = {"task_name": "a voice", "config": {"language": "en", "base_model": "auto"}}
    return str(client.post("/api/v1/task/create", json=body).json()["task_id"])


def test_every_field_that_may_be_set_is_told_with_a_sentence(client: TestClient) -> None:
    options = client.get("/api/v1/options").json()
    assert [field["name"] for field in options["task"]] == list(TaskConfig.model_fields)
    for step, model in OPTIONS.items():
        fields = options["steps"][step]
        assert [field["name"] for field in fields] == list(model.model_fields), step
        for field in fields:
            assert field["words"], (step, field["name"])


def test_told_limits_are_those_that_requests_are_checked_by(client: TestClient) -> None:
    from ray_pipeline.core.errors import InvalidInput

    rows = client.get("/api/v1/options").json()["steps"]
    checked = 0
    for step in (StepName.TRAIN_SOVITS, StepName.CONVERT_AUDIO):
        for field in rows[step]:
            for limit, beyond in (("minimum", -1), ("maximum", 1)):
                if field[limit] is None:
                    continue
                parse_options(step, {field["name"]: field[limit]})
                with pytest.raises(InvalidInput):
                    parse_options(step, {field["name"]: field[limit] + beyond})
                checked += 1
    assert checked >= 8


def test_a_number_or_a_word_is_told_as_both(client: TestClient) -> None:
    rows = client.get("/api/v1/options").json()["steps"]["slice_audio"]
    (threshold,) = [field for field in rows if field["name"] == "threshold"]
    assert threshold["type"] == "number"
    assert threshold["choices"] == ["auto"]
    assert (threshold["minimum"], threshold["below"]) == (-100, 0)


def test_a_plan_says_that_mini_has_a_recipe_of_its_own(client: TestClient, mini_task: str) -> None:
    answer = plan(client, mini_task)
    assert answer["base_model"]["name"] == "mini"
    sovits = trainings(client, mini_task)["train_sovits"]
    assert sovits["asked_epochs"] == 50
    assert sovits["epochs"] < 50
    assert sovits["batch_size"] == 8
    assert sovits["steps_at_most"] == 320
    few = trainings(client, mini_task, sovits_epochs=4, sovits_max_steps=80)["train_sovits"]
    assert (few["epochs"], few["steps_at_most"]) == (4, 80)  # 25 steps at least are told together


def test_a_plan_for_other_bases_is_what_was_asked_for(client: TestClient, task_id: str) -> None:
    rows = trainings(client, task_id, gpt_epochs=3, sovits_batch_size=2)
    assert rows["train_gpt"]["epochs"] == rows["train_gpt"]["asked_epochs"] == 3
    assert rows["train_sovits"]["batch_size"] == 2
    assert rows["train_sovits"]["steps_at_most"] is None


def test_a_plan_says_what_becomes_of_a_batch_and_why(client: TestClient, task_id: str) -> None:
    asked = trainings(client, task_id)["train_gpt"]
    assert (asked["batch_size"], asked["asked_batch_size"]) == (4, 16)  # nano's own limit
    assert asked["batch_reasons"] == ["base"]
    body = {"config": {"base_model": "v2", "language": "en"}}
    large = client.post("/api/v1/task/create", json=body).json()["task_id"]
    assert trainings(client, large)["train_gpt"]["batch_reasons"] == []  # v2 is not here
    pairs = trainings(client, task_id, gpt_batch_size=6, gpt_if_dpo=True)["train_gpt"]
    assert (pairs["batch_size"], pairs["batch_reasons"]) == (3, ["if_dpo"])
    refused = client.get(f"/api/v1/task/{task_id}/plan", params={"gpt_batch_size": "many"})
    assert refused.status_code == 422


def test_a_plan_estimates_the_memory_and_what_auto_would_take(
    client: TestClient, task: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert trainings(client, task, sovits_batch_size=2)["train_sovits"]["memory"] is not None
    monkeypatch.setattr("serve_app.routes.options.room_of_worker", lambda _: Room(1000))
    [plenty] = [trainings(client, task, sovits_batch_size="auto")["train_sovits"]]
    assert (plenty["batch_size"], plenty["asked_batch_size"]) == (2, "auto")
    assert 0 < plenty["memory"]["peak_gb"] < plenty["memory"]["usable_gb"]
    assert plenty["memory"]["too_long"] == plenty["memory"]["warnings"] == []
    monkeypatch.setattr("serve_app.routes.options.room_of_worker", lambda _: Room(0.1))
    little = trainings(client, task, sovits_batch_size="auto")["train_sovits"]
    assert (little["batch_size"], little["batch_reasons"]) == (1, ["base", "memory"])
    assert len(little["memory"]["too_long"]) == 3
    assert little["memory"]["warnings"]
    monkeypatch.setattr("serve_app.routes.options.room_of_worker", lambda _: None)
    assert trainings(client, task)["train_sovits"]["memory"] is None


def test_a_plan_counts_the_clips_that_are_used(client: TestClient, task: str) -> None:
    answer = plan(client, task)
    assert answer["clips"] == 3
    assert answer["seconds"] == pytest.approx(11.5, abs=1)
    assert "convert_audio" not in answer["left_steps"]
    assert answer["left_steps"][-1] == "test_inference"
    client.put(f"/api/v1/task/{task}/transcripts/0.wav", json={"include": False})
    assert plan(client, task)["clips"] == 2


def test_a_base_that_is_not_there_is_a_problem_of_the_plan(client: TestClient) -> None:
    body = {"config": {"base_model": "v2ProPlus", "language": "en"}}
    task_id = client.post("/api/v1/task/create", json=body).json()["task_id"]
    answer = plan(client, task_id)
    assert answer["base_model"] is None
    assert "v2ProPlus" in answer["problem"]


def test_a_summary_has_the_last_sample_and_the_grade_that_was_measured(
    client: TestClient, task: str, coordinator: LocalCoordinator, tmp_path: Path
) -> None:
    path = f"/api/v1/task/{task}/summary"
    assert client.get(path).json()["sample"] is None
    assert client.get(path).json()["grade"] is None
    client.get(f"/api/v1/task/{task}/report")
    output = Workspace(tmp_path / "api_tasks" / task).output
    output.mkdir(parents=True, exist_ok=True)
    (output / "me_001.wav").write_bytes(b"RIFF")
    for step in [name for name in StepName if name.value.startswith(("extract", "train"))]:
        coordinator.do(task, step)
    said = {"file": "output/me_001.wav", "text": "Hello.", "seed": 7}
    coordinator.do(task, "test_inference", summary=said)
    answer = client.get(path).json()
    assert answer["sample"] == said
    assert answer["grade"] in "ABCD"
    assert answer["base_model"]["name"] == "nano"


def test_a_task_gets_another_name_and_keeps_its_files(client: TestClient, task: str) -> None:
    before = client.get(f"/api/v1/task/{task}").json()
    answer = client.patch(f"/api/v1/task/{task}", json={"task_name": "  Anna  "})
    assert answer.json()["task_name"] == "Anna"
    after = client.get(f"/api/v1/task/{task}").json()
    assert after["task_name"] == "Anna"
    assert after["config"] == before["config"]
    assert after["status"] == before["status"]
    assert client.patch(f"/api/v1/task/{task}", json={"task_name": " "}).status_code == 422
    assert client.patch("/api/v1/task/none", json={"task_name": "x"}).status_code == 404
