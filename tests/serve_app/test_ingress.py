import tempfile
from pathlib import Path

import pytest
from ray.serve._private import constants

from serve_app.daemon import proxy_places
from serve_app.ingress import coordinator_settings, with_proxy_limit
from serve_app.settings import Settings


def test_uploads_are_kept_small_where_the_proxy_holds_them_in_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = Settings(max_upload_mb=500)
    monkeypatch.setenv("RAY_SERVE_ENABLE_HA_PROXY", "1")
    assert with_proxy_limit(settings).max_upload_mb == 500
    monkeypatch.setenv("RAY_SERVE_ENABLE_HA_PROXY", "0")
    assert with_proxy_limit(settings).max_upload_mb == 64
    assert with_proxy_limit(Settings(max_upload_mb=8)).max_upload_mb == 8


def test_the_coordinator_is_given_the_same_folders_and_database() -> None:
    settings = Settings(max_parallel_tasks=3)
    given = coordinator_settings(settings)
    assert given.tasks_dir == settings.tasks_dir
    assert given.database_url == settings.effective_database_url
    assert given.max_jobs == 3


def test_two_services_on_one_machine_do_not_share_the_proxys_files_and_ports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    (first, second) = (proxy_places(8000), proxy_places(8001))
    assert first.keys() == second.keys()
    assert not set(first.values()) & set(second.values())
    for place in (*first.values(), *second.values()):
        assert place.isdigit() or Path(place).is_relative_to(tmp_path)
    # Names that Serve does not read would change nothing.
    assert all(hasattr(constants, name) for name in first)
