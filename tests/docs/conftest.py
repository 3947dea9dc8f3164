from __future__ import annotations

from pathlib import Path

import pytest
from fastapi import FastAPI

from ray_pipeline.store import Store, upgrade
from serve_app.api import make_app
from serve_app.settings import Settings
from tests.serve_app.local_coordinator import LocalCoordinator, coordinator_settings


@pytest.fixture
def documented_app(tmp_path: Path) -> FastAPI:
    """The API as it describes itself."""
    settings = coordinator_settings(tmp_path)
    upgrade(settings.database_url)
    coordinator = LocalCoordinator(Store(settings.database_url), settings)
    here = Settings(data_dir=tmp_path, models_dir=tmp_path / "models")
    return make_app(here, coordinator.store, coordinator.link())
