from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from benchmarks.local_server import serving
from ray_pipeline.core.errors import Conflict
from serve_app import daemon, places
from tests.serve_app.conftest import MakeClient


@pytest.mark.parametrize("start", [daemon.start, daemon.run_in_foreground])
def test_a_second_start_at_one_port_is_refused_and_leaves_the_first_ones_proxy_alone(
    start: Callable[[Path], Any],
    make_client: MakeClient,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(places.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(places, "_LONGEST_FOLDER", 200)
    with serving(make_client().app) as url:
        port = urlsplit(url).port
        assert port is not None
        socket = Path(places.own_environment(port)["RAY_SERVE_HAPROXY_SOCKET_PATH"])
        socket.touch()
        config = tmp_path / "serve_config.yaml"
        config.write_text(yaml.safe_dump({"http_options": {"host": "127.0.0.1", "port": port}}))
        with pytest.raises(Conflict, match="answers at"):
            start(config)
    assert socket.exists()
