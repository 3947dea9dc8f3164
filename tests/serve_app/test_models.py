"""Fetching pretrained models through the service, from a small hub on this machine."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from ray_pipeline.hub.downloads import Downloads
from ray_pipeline.hub.hubs import HuggingFace
from ray_pipeline.hub.pulling import pull
from tests.hub.hub_server import small_hub
from tests.hub.test_pulling import _WEIGHTS, _WHISPER, whisper_files
from tests.serve_app.local_coordinator import LocalCoordinator

NAME = "whisper-large-v3"


def _listed(client: TestClient, name: str = NAME) -> dict[str, object]:
    rows = client.get("/api/v1/models").json()["models"]
    return next(row for row in rows if row["name"] == name)


def test_models_say_what_is_missing_how_large_it_is_and_under_which_licence(
    client: TestClient,
) -> None:
    row = _listed(client, "v2ProPlus")
    assert row["kind"] == "base model"
    assert row["companions"] == ["bert"]
    assert "v2Pro/s2Gv2ProPlus.pth" in row["missing"]
    assert row["about_bytes"] > 500_000_000
    assert "MIT" in row["licence"]
    assert row["download"] is None
    assert _listed(client, "nano")["missing"] == []


def test_a_pulled_model_is_there_when_its_download_is_done(
    client: TestClient, coordinator: LocalCoordinator, tmp_path: Path
) -> None:
    with small_hub({_WHISPER: whisper_files()}) as hub:
        fetching = partial(pull, hub=HuggingFace(hub.url), pause_seconds=0.001)
        downloads = Downloads(tmp_path / "models", fetching)
        coordinator._parts.downloads = downloads
        answer = client.post(f"/api/v1/models/{NAME}/pull", json={"source": "huggingface"})
        assert answer.status_code == 202
        assert answer.json()["download"]["state"] in ("queued", "running", "done")
        assert downloads.wait(30)
    row = _listed(client)
    assert row["missing"] == []
    assert row["download"]["state"] == "done"
    assert (tmp_path / "models" / _WEIGHTS).is_file()


def test_a_cancelled_pull_is_said_to_be_so(
    client: TestClient, coordinator: LocalCoordinator, tmp_path: Path
) -> None:
    with small_hub({_WHISPER: whisper_files()}) as hub:
        hub.status = 503  # it stays away, so the download goes on trying
        fetching = partial(pull, hub=HuggingFace(hub.url), pause_seconds=0.5)
        coordinator._parts.downloads = Downloads(tmp_path / "models", fetching)
        client.post(f"/api/v1/models/{NAME}/pull")
        answer = client.delete(f"/api/v1/models/{NAME}/pull")
        assert answer.json()["download"]["state"] in ("cancelled", "failed")


@pytest.mark.parametrize("method", ["post", "delete"])
def test_a_model_that_is_not_known_is_404_with_the_names_there_are(
    client: TestClient, method: str
) -> None:
    answer = client.request(method, "/api/v1/models/v9/pull")
    assert answer.status_code == 404
    assert "v2ProPlus" in answer.json()["hint"]


def test_a_source_that_does_not_have_it_is_refused(client: TestClient) -> None:
    answer = client.post("/api/v1/models/paraformer/pull", json={"source": "huggingface"})
    assert answer.status_code == 422
    assert "modelscope" in answer.json()["hint"]
