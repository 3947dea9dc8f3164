import os
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest
import yaml
from ray.serve._private import constants

from ray_pipeline.core.errors import InvalidInput
from serve_app import daemon, places
from serve_app.places import keep_private, own_environment, own_folder
from serve_app.settings import Settings


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(places, "_LONGEST_FOLDER", 200)
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "token"))
    return tmp_path


def others_may(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode) & 0o077


def test_two_services_on_one_machine_share_no_folder_and_no_port() -> None:
    first, second = own_environment(8000), own_environment(8001)
    assert first.keys() == second.keys()
    assert not set(first.values()) & set(second.values())
    # Names that Serve does not read would change nothing.
    assert all(hasattr(constants, name) for name in first if name != "RAY_TMPDIR")
    # Every port that Serve opens by itself is among them.
    for default in ("8500", "9500", "8404", "9101", "30000", "31000"):
        assert default not in first.values()
    http = range(
        int(first["RAY_SERVE_DIRECT_INGRESS_MIN_HTTP_PORT"]),
        int(first["RAY_SERVE_DIRECT_INGRESS_MAX_HTTP_PORT"]) + 1,
    )
    assert int(second["RAY_SERVE_DIRECT_INGRESS_MIN_HTTP_PORT"]) not in http


def test_nobody_else_can_look_into_the_folder_of_a_service(temporary: Path) -> None:
    folder = own_folder(8000)
    folder.chmod(0o777)
    assert own_folder(8000) == folder
    assert others_may(folder) == 0
    folder.rmdir()
    folder.symlink_to(temporary)
    with pytest.raises(InvalidInput, match="somebody else"):
        own_folder(8000)


def test_the_folder_leaves_room_for_what_ray_puts_below_it(
    monkeypatch: pytest.MonkeyPatch, temporary: Path
) -> None:
    monkeypatch.setattr(places, "_LONGEST_FOLDER", 30)
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(temporary / ("long" * 20)))
    port = 65535
    folder = own_folder(port)
    try:
        socket = folder / "ray/session_2026-11-29_11-11-11_123456_4194304/sockets/plasma_store.1"
        assert len(os.fsencode(socket)) <= 107
    finally:
        folder.rmdir()


def test_data_and_token_are_for_their_owner_alone_unless_said_otherwise(temporary: Path) -> None:
    data, token = temporary / "data", temporary / "token"
    data.mkdir(mode=0o755)
    token.write_text("secret")
    token.chmod(0o644)
    assert keep_private(Settings(data_dir=data)) == 0o077
    assert (others_may(data), others_may(token)) == (0, 0)
    data.chmod(0o755)
    assert keep_private(Settings(data_dir=data, umask="027")) == 0o027
    assert others_may(data) == 0o050
    with pytest.raises(ValueError, match="umask"):
        Settings(umask="9")


def test_a_service_in_the_background_writes_for_its_owner_alone(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(temporary)
    config = temporary / "serve_config.yaml"
    http = {"host": "127.0.0.1", "port": 65000}
    arguments = {"args": {"data_dir": str(temporary / "data")}}
    config.write_text(yaml.safe_dump({"http_options": http, "applications": [arguments]}))
    made = temporary / "made"
    monkeypatch.setattr(
        daemon, "command", lambda _: ["/bin/sh", "-c", f"echo $RAY_TMPDIR > {made}"]
    )
    monkeypatch.setattr(daemon, "_wait_until_ready", lambda service, process, say: process.wait())
    daemon.start(config)
    assert Path(made.read_text().strip()).is_relative_to(temporary)
    assert others_may(made) == 0
    assert subprocess.run(["test", "-d", temporary / "data"], check=False).returncode == 0
