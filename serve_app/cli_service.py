"""The part of `gsv` that looks after an installation: settings, checks, starting, stopping."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ray_pipeline.core.errors import InvalidInput
from serve_app.cli_models import models
from serve_app.cli_text import text

if TYPE_CHECKING:
    from serve_app.settings import Settings

out = Console(highlight=False)


def add_commands(app: typer.Typer) -> None:
    for command in (start, stop, status, config, doctor, text):
        app.command()(command)
    app.add_typer(models, name="models", no_args_is_help=True)


def config() -> None:
    """The settings as this folder and environment make them; secrets are hidden."""
    out.print_json(json.dumps(_settings_here().printable(), ensure_ascii=False))


def _settings_here() -> Settings:
    """Those that a service started in this folder would have."""
    import yaml

    from serve_app.daemon import CONFIG
    from serve_app.settings import load_settings

    arguments: dict[str, Any] = {}
    if CONFIG.exists():
        arguments = yaml.safe_load(CONFIG.read_text("utf-8"))["applications"][0].get("args") or {}
    return load_settings(arguments)


def doctor() -> None:
    """Check that everything the service needs is here."""
    from serve_app.doctor import examine

    marks = {True: "[green]✓[/]", None: "[yellow]–[/]", False: "[red]✗[/]"}
    findings = list(examine(_settings_here()))
    table = Table(box=None, show_header=False)
    for finding in findings:
        table.add_row(marks[finding.ok], finding.name, escape(finding.detail))
    out.print(table)
    if any(finding.ok is False for finding in findings):
        raise typer.Exit(1)


def start(
    mode: Annotated[str, typer.Option("--mode", "-m", help="development or production")] = (
        "development"
    ),
    workers: Annotated[int | None, typer.Option("--workers", "-w", min=1, help="replicas")] = None,
    host: Annotated[str | None, typer.Option(help="default 127.0.0.1; production 0.0.0.0")] = None,
    port: Annotated[int | None, typer.Option(help="default 8000")] = None,
    daemon: Annotated[bool, typer.Option("--daemon", "-d", help="in the background")] = False,
) -> None:
    """Start the service from this folder. Production listens everywhere and needs GSV_API_KEY."""
    from serve_app import daemon as service

    if mode not in ("development", "production"):
        raise InvalidInput(f"There is no mode {mode!r}.", hint="Use development or production.")
    if mode == "production" and host is None and "GSV_HOST" not in os.environ:
        host = "0.0.0.0"
    path = service.serve_config(host=host, port=port, replicas=workers)
    if not daemon:
        service.run_in_foreground(path)
    started = service.start(path, say=out.print)
    out.print(f"The service is ready at {started.url} (docs at {started.url}/docs)")


def stop(
    force: Annotated[bool, typer.Option("--force", "-f", help="within 10 seconds")] = False,
    cleanup: Annotated[bool, typer.Option(help="remove logs/ and run/ afterwards")] = False,
) -> None:
    """Stop the service that was started from this folder with --daemon."""
    from serve_app import daemon as service

    running = service.Service.recorded()
    if running is None:
        out.print("No service was started from this folder.")
    else:
        killed = service.stop(running, force=force)
        out.print("Stopped." if not killed else f"Stopped; {killed} processes had to be killed.")
    if cleanup:
        for folder in (service.LOG_PATH.parent, service.RUN_DIR):
            shutil.rmtree(folder, ignore_errors=True)


def status() -> None:
    """What Ray Serve says of the service started from this folder with --daemon. Without one, of
    that in the cluster at Ray's usual address (`serve status` with the right variables)."""
    from serve_app.client import Client
    from serve_app.daemon import ENVIRONMENT, Service

    command = [str(Path(sys.executable).with_name("serve")), "status"]
    running = Service.recorded()
    if running is not None:
        # Several clusters may run on a machine; only the service knows which is its own.
        key = _settings_here().api_key
        with Client(running.url, api_key=key.get_secret_value() if key else None) as client:
            cluster = client.capabilities()["cluster"] or {}
        if cluster.get("dashboard"):
            command += ["--address", cluster["dashboard"]]
    environment = {**ENVIRONMENT, **os.environ}
    raise typer.Exit(subprocess.run(command, env=environment, check=False).returncode)
