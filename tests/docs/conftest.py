from __future__ import annotations

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from tests.serve_app.conftest import client, coordinator, empty_database, make_client

__all__ = ["client", "coordinator", "empty_database", "make_client"]


@pytest.fixture
def documented_app(client: TestClient) -> FastAPI:
    """The API as it describes itself."""
    app = client.app
    assert isinstance(app, FastAPI)
    return app
