from pathlib import Path

import pytest

from ray_pipeline.core.errors import InvalidInput
from serve_app.settings import hide_password, load_settings

KEY = "0123456789abcdef0123"


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import os

    for name in list(os.environ):
        if name.startswith("GSV_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_the_defaults_are_the_documented_ones(tmp_path: Path) -> None:
    settings = load_settings()
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert (settings.data_dir, settings.models_dir) == (tmp_path / "data", tmp_path / "models")
    assert settings.effective_database_url == f"sqlite:///{tmp_path}/data/gsv.sqlite3"


def test_the_environment_wins_over_the_file_and_the_file_over_arguments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gsv.yaml").write_text("port: 8002\nreplicas: 2\n")
    monkeypatch.setenv("GSV_CONFIG_FILE", str(tmp_path / "gsv.yaml"))
    monkeypatch.setenv("GSV_PORT", "8003")
    settings = load_settings({"port": 8001, "replicas": 1, "max_upload_mb": 7})
    assert (settings.port, settings.replicas, settings.max_upload_mb) == (8003, 2, 7)


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"host": "0.0.0.0"}, "api_key"),
        ({"host": "192.168.1.5"}, "api_key"),
        ({"host": "::"}, "api_key"),
        ({"host": "voices.example"}, "api_key"),
        ({"host": "0.0.0.0", "api_key": "short"}, "16"),
        ({"api_key": "sixteen chars, é!"}, "ASCII"),
        ({"port": 0}, "port"),
        ({"no_such": 1}, "no_such"),
        ({"models_dir": "data/api_tasks/models"}, "models_dir"),
    ],
)
def test_unsafe_or_wrong_settings_are_refused(values: dict, word: str) -> None:
    with pytest.raises(InvalidInput, match=word):
        load_settings(values)


def test_an_open_address_with_a_key_is_fine() -> None:
    assert load_settings({"host": "0.0.0.0", "api_key": KEY}).host == "0.0.0.0"
    assert load_settings({"host": "::1"}).host == "::1"


def test_printing_hides_the_key_and_the_password() -> None:
    settings = load_settings({"api_key": KEY, "database_url": "postgresql://u:geheim@h/d"})
    shown = str(settings.printable())
    assert KEY not in shown
    assert "geheim" not in shown
    assert KEY not in repr(settings)
    assert hide_password("sqlite:////x/y") == "sqlite:////x/y"


def test_the_older_services_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(
        "server:\n  host: '0.0.0.0'\n  port: 8000\n  workers: 4\n"
        "paths:\n  base_dir: /opt/GPT-SoVITS\n  work_dir: /srv/voices\n"
        "gpu:\n  default_device: '0'\n  max_parallel: 4\n"
        "training:\n  default_epochs_s2: 50\n  default_epochs_s1: 15\n  default_batch_size: 16\n"
    )
    settings = load_settings({"config_file": str(tmp_path / "config.yaml"), "api_key": KEY})
    assert (settings.host, settings.replicas, settings.max_parallel_tasks) == ("0.0.0.0", 4, 4)
    assert settings.data_dir == Path("/srv/voices")
    assert settings.models_dir == Path("/opt/GPT-SoVITS/GPT_SoVITS/pretrained_models")
    assert settings.task_defaults == {
        "gpu_id": "0",
        "batch_size": 16,
        "epochs_s1": 15,
        "epochs_s2": 50,
    }


def test_an_older_setting_without_counterpart_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("server:\n  reload: true\n")
    with pytest.raises(InvalidInput, match=r"server\.reload"):
        load_settings({"config_file": str(tmp_path / "config.yaml")})


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "list.yaml").write_text("- 1\n")
    for name in ("missing.yaml", "list.yaml"):
        with pytest.raises(InvalidInput, match=name):
            load_settings({"config_file": str(tmp_path / name)})
