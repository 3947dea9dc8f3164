"""The API in this process: real routes, real database, real coordinator rules; no Ray."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.dependencies import models as fastapis_memory
from fastapi.testclient import TestClient

from benchmarks.local_server import serving
from ray_pipeline.store import Store, upgrade
from serve_app.api import make_app
from serve_app.settings import Settings
from tests.serve_app.local_coordinator import LocalCoordinator, coordinator_settings
from tests.serve_app.speech_task import transcribe, write_clips

HERE = "http://127.0.0.1:8000"


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Migrating takes a while, so it is done once and copied."""
    path = tmp_path_factory.mktemp("database") / "gsv.sqlite3"
    upgrade(f"sqlite:///{path}")
    return path.read_bytes()


@pytest.fixture
def coordinator(tmp_path: Path, empty_database: bytes) -> Iterator[LocalCoordinator]:
    settings = coordinator_settings(tmp_path)
    (tmp_path / "gsv.sqlite3").write_bytes(empty_database)
    store = Store(settings.database_url)
    yield LocalCoordinator(store, settings)
    store.close()


def forget_apps() -> None:
    """FastAPI remembers of thousands of functions what kind they are, and with each its whole app.
    Left alone, those of all tests grow to millions of objects, through which every collection of
    garbage goes: seconds each, and the trainings ask for some."""
    for remembered in vars(fastapis_memory).values():
        if forget := getattr(remembered, "cache_clear", None):
            forget()


@pytest.fixture(autouse=True)
def no_app_outlives_its_test() -> Iterator[None]:
    yield
    forget_apps()


MakeClient = Callable[..., TestClient]


@pytest.fixture
def make_client(tmp_path: Path, coordinator: LocalCoordinator) -> MakeClient:
    def make(**settings: Any) -> TestClient:
        app = make_app(
            Settings(data_dir=tmp_path, models_dir=tmp_path / "models", **settings),
            coordinator.store,
            coordinator,
        )
        return TestClient(app, base_url=HERE, raise_server_exceptions=False)

    return make


@pytest.fixture
def client(make_client: MakeClient) -> TestClient:
    return make_client()


@pytest.fixture
def task_id(client: TestClient) -> str:
    answer = client.post(
        "/api/v1/task/create",
        json={"task_name": "a voice", "config": {"language": "en", "base_model": "nano"}},
    )
    return str(answer.json()["task_id"])


@pytest.fixture
def task_with_audio(client: TestClient, task_id: str) -> str:
    files = {"file": ("talk.wav", b"RIFF and so on")}
    assert client.post(f"/api/v1/task/{task_id}/files/upload", files=files).status_code == 200
    return task_id


@pytest.fixture
def url(make_client: MakeClient) -> Iterator[str]:
    """The API behind real HTTP."""
    with serving(make_client().app) as address:
        yield address


@pytest.fixture
def task(task_with_audio: str, tmp_path: Path, coordinator: LocalCoordinator) -> str:
    """A task with clips and their transcripts."""
    write_clips(tmp_path, task_with_audio)
    transcribe(coordinator, task_with_audio)
    return task_with_audio
