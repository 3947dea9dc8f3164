import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from ray_pipeline.core.errors import Conflict
from serve_app import daemon, places


@pytest.mark.parametrize("start", [daemon.start, daemon.run_in_foreground])
def test_a_second_start_at_one_port_is_refused_and_leaves_the_first_ones_proxy_alone(
    start: Callable[[Path], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(places.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(places, "_LONGEST_FOLDER", 200)
    with socket.create_server(("127.0.0.1", 0)) as busy_service:  # listens, and never answers
        port = busy_service.getsockname()[1]
        proxys_socket = Path(places.own_environment(port)["RAY_SERVE_HAPROXY_SOCKET_PATH"])
        proxys_socket.touch()
        config = tmp_path / "serve_config.yaml"
        config.write_text(yaml.safe_dump({"http_options": {"host": "127.0.0.1", "port": port}}))
        with pytest.raises(Conflict, match="listens at"):
            start(config)
    assert proxys_socket.exists()
