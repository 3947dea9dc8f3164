"""Stands before HAProxy: completes the configuration that Ray Serve writes, then becomes HAProxy.

Serve writes the file anew whenever its replicas change and starts the program that
RAY_SERVE_HAPROXY_BINARY_PATH names; `gsv start` names a script that calls `main`. What is added:

- statistics and metrics listen on this machine only;
- a header has to be there within 20 s, a connection may be silent for 120 s (a stream of ours
  says something every 15 s) and wait for its next request for 75 s. Serve allows an hour each;
- one address may hold 1,000 of the 4,096 connections;
- each request says which address it comes from, whatever the client wrote there.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from starlette.datastructures import Headers
from starlette.types import Scope

HEADER_WITHIN_SECONDS = 20
SILENT_FOR_SECONDS = 120
NEXT_REQUEST_WITHIN_SECONDS = 75
CONNECTIONS_A_CLIENT = 1000
CLIENT_HEADER = "X-GSV-Client"

_INNER_BIND = re.compile(
    r"^((?:frontend prometheus|listen stats)\n\s*bind )\S*:(\d+)", re.MULTILINE
)
_TIMEOUTS = re.compile(r"^\s*timeout (?:client|http-request|http-keep-alive) .*\n", re.MULTILINE)
_DEFAULTS = re.compile(r"^defaults\n", re.MULTILINE)
_FRONTEND = re.compile(r"^(frontend http_frontend\n\s*bind .*\n)", re.MULTILINE)


def completed(config: str) -> str:
    """The configuration with our bounds. Raises ValueError for one that is laid out otherwise:
    better no proxy than one that lets everybody in."""
    if not _DEFAULTS.search(config) or not _FRONTEND.search(config):
        raise ValueError("this version of Ray Serve writes another HAProxy configuration")
    config = _TIMEOUTS.sub("", config)
    config = _INNER_BIND.sub(r"\g<1>127.0.0.1:\2", config)
    config = _DEFAULTS.sub(
        "defaults\n"
        f"    timeout http-request {HEADER_WITHIN_SECONDS}s\n"
        f"    timeout client {SILENT_FOR_SECONDS}s\n"
        f"    timeout http-keep-alive {NEXT_REQUEST_WITHIN_SECONDS}s\n"
        "    timeout tunnel 1h\n",
        config,
        count=1,
    )
    return _FRONTEND.sub(
        r"\1"
        "    stick-table type ipv6 size 100k expire 10m store conn_cur\n"
        "    tcp-request connection track-sc0 src\n"
        f"    tcp-request connection reject if {{ sc_conn_cur(0) gt {CONNECTIONS_A_CLIENT} }}\n"
        f"    http-request set-header {CLIENT_HEADER} %[src]\n",
        config,
        count=1,
    )


def client_address(scope: Scope) -> str:
    """Where a request comes from; empty where that cannot be known. The header is believed only
    behind the proxy that sets it, which a script of ours starts."""
    if os.environ.get("RAY_SERVE_ENABLE_HA_PROXY") == "1":
        ours = "RAY_SERVE_HAPROXY_BINARY_PATH" in os.environ
        return Headers(scope=scope).get(CLIENT_HEADER, "") if ours else ""
    client = scope.get("client")
    return str(client[0]) if client else ""


def script(binary: str) -> str:
    """The program for RAY_SERVE_HAPROXY_BINARY_PATH."""
    return (
        f"#!{sys.executable}\n"
        "import sys\n"
        f"sys.path.insert(0, {str(Path(__file__).resolve().parents[1])!r})\n"
        "from serve_app.haproxy import main\n"
        f"main({binary!r}, sys.argv[1:])\n"
    )


def main(binary: str, arguments: list[str]) -> None:
    """Does not return: the process keeps its number, which Serve knows it by."""
    if "-f" in arguments:
        place = arguments.index("-f") + 1
        written = Path(arguments[place])
        ours = written.with_name(f"{written.stem}.completed{written.suffix}")
        partial = ours.with_name(f".partial-{os.getpid()}")
        partial.write_text(completed(written.read_text("utf-8")), "utf-8")
        partial.replace(ours)
        arguments[place] = str(ours)
    os.execv(binary, [binary, *arguments])
