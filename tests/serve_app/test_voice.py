"""Weights that are uploaded, and the voice that is taken along."""

import json
import zipfile
from pathlib import Path

import httpx
import pytest
import torch
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from ray_pipeline.core.step_names import StepName
from ray_pipeline.voice.untrained import save_untrained_voice
from serve_app import cli
from serve_app.client import Client, StepNotReadyError
from tests.serve_app.local_coordinator import LocalCoordinator
from tests.voice.test_archive import FILES, SPOKEN


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return list(save_untrained_voice(tmp_path_factory.mktemp("weights")))


def send(client: TestClient, task_id: str, name: str, content: bytes) -> httpx.Response:
    url = f"/api/v1/task/{task_id}/files/upload"
    return client.post(url, files={"file": (name, content)})  # type: ignore[return-value]


def test_uploaded_weights_have_their_kind_and_are_found_by_name(
    client: TestClient, task_id: str, tmp_path: Path, weights: list[Path]
) -> None:
    from ray_pipeline.core.workspace import Workspace

    for path in weights:
        answer = send(client, task_id, path.name, path.read_bytes())
        assert answer.status_code == 200, answer.text
        assert answer.json()["files"][0]["kind"] == "weights"
        found = Workspace(tmp_path / "api_tasks" / task_id).find(path.name, "my_speaker")
        assert found.read_bytes() == path.read_bytes()
    kinds = {row["kind"] for row in client.get(f"/api/v1/task/{task_id}/files").json()["files"]}
    assert "weights" in kinds
    name = f"input_audio/{weights[0].name}"
    assert client.delete(f"/api/v1/task/{task_id}/files/{name}").status_code == 200


@pytest.mark.parametrize("name", ["voice.pth", "voice.ckpt", "voice.safetensors"])
def test_what_is_called_weights_and_is_none_is_refused_and_nothing_is_kept(
    client: TestClient, task_id: str, tmp_path: Path, name: str
) -> None:
    training = tmp_path / "training.pth"
    torch.save({"weight": {"discriminators.0.conv": torch.zeros(1)}}, training)
    for content in (b"no weights at all", training.read_bytes()):
        answer = send(client, task_id, name, content)
        assert (answer.status_code, answer.json()["code"]) == (422, "bad_model_file")
        assert answer.json()["hint"]
    assert list((tmp_path / "api_tasks" / task_id / "input_audio").iterdir()) == []


def test_the_voice_is_taken_along_by_route_client_and_command(
    url: str, tmp_path: Path, coordinator: LocalCoordinator
) -> None:
    with Client(url) as client:
        task_id = client.create("a voice", {"exp_name": "amy", "base_model": "nano"}).task_id
        with pytest.raises(StepNotReadyError, match="not spoken yet"):
            client.download_voice(task_id, tmp_path / "early.zip")
        root = tmp_path / "api_tasks" / task_id
        facts = {
            "text": "Hello.",
            "language": "en",
            "gpt_model": "GPT_weights_v2Pro/amy-e15.ckpt",
            "sovits_model": "SoVITS_weights_v2Pro/amy_e8_s96.pth",
            "ref_audio": "sliced/talk.wav_0_9.wav",
            "ref_text": "Good morning.",
            "ref_language": "en",
            "base_model": "v2Pro",
        }
        for name, content in {**FILES, SPOKEN["facts"]: json.dumps(facts).encode()}.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(content)
        for step in list(StepName)[:-1]:
            if step is StepName.CONVERT_AUDIO:
                client.upload(task_id, [root / "output/amy_001.wav"])
            coordinator.do(task_id, step.value)
        coordinator.do(task_id, "test_inference", summary=SPOKEN)
        saved = client.download_voice(task_id, tmp_path / "voice.zip")
        assert "voice.json" in zipfile.ZipFile(saved).namelist()
    answer = httpx.head(f"{url}/api/v1/task/{task_id}/voice")
    assert answer.headers["content-type"] == "application/zip"
    assert 'filename="amy-voice.zip"' in answer.headers["content-disposition"]
    command = ["--url", url, "download", task_id, "--voice", "--to", str(tmp_path / "taken")]
    assert CliRunner().invoke(cli.app, command).exit_code == 0
    assert (tmp_path / "taken" / "amy-voice.zip").read_bytes() == saved.read_bytes()
