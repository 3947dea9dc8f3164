import pytest

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
