"""The part of `gsv` that looks after an installation: settings, checks, starting, stopping."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from rich.markup import escape
from rich.table import Table

from ray_pipeline.core.errors import InvalidInput
from serve_app.cli_common import JsonOption, err, out, print_json
from serve_app.cli_detect import detect
from serve_app.cli_models import models
from serve_app.cli_text import text

if TYPE_CHECKING:
    from serve_app.daemon import Service
    from serve_app.settings import Settings


def add_commands(app: typer.Typer) -> None:
    for command in (start, stop, status, config, doctor, text, detect):
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


def doctor(as_json: JsonOption = False) -> None:
    """Check that everything the service needs is here."""
    from serve_app.doctor import examine

    marks = {True: "[green]✓[/]", None: "[yellow]–[/]", False: "[red]✗[/]"}
    findings = list(examine(_settings_here()))
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
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
        service.run_in_foreground(path, say=out.print)
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


def status(as_json: JsonOption = False) -> None:
    """What Ray Serve says of the service started from this folder with --daemon. Without one, of
    that in the cluster at Ray's usual address (`serve status` with the right variables)."""
    from serve_app.daemon import Service

    running = Service.recorded()
    if running is not None and not running.lives():
        _end_with("The service that was started from this folder does not run any more.", as_json)
    arguments = _dashboard_of(running) if running is not None else []
    done = _serve_status(arguments)
    if done.returncode != 0:
        where = running.url if running else "Ray's usual address"
        _end_with(f"No service answers at {where}.", as_json, done.stderr)
    if as_json:
        import yaml

        url = {"url": running.url} if running else {}
        print_json({"running": True, **url, **yaml.safe_load(done.stdout)})
    else:
        sys.stdout.write(done.stdout)


def _dashboard_of(running: Service) -> list[str]:
    """Several clusters may run on a machine; only the service knows which is its own."""
    from serve_app.client import Client, ServiceError

    key = _settings_here().api_key
    with Client(running.url, api_key=key.get_secret_value() if key else None) as client:
        try:
            cluster = client.capabilities()["cluster"] or {}
        except ServiceError as error:
            if not error.is_away:
                raise
            _end_with(f"The service at {running.url} runs, but does not answer (yet).", False)
    return ["--address", cluster["dashboard"]] if cluster.get("dashboard") else []


def _serve_status(arguments: list[str]) -> subprocess.CompletedProcess[str]:
    from serve_app.daemon import ENVIRONMENT

    command = [str(Path(sys.executable).with_name("serve")), "status", *arguments]
    environment = {**ENVIRONMENT, **os.environ}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def _end_with(sentence: str, as_json: bool, details: str = "") -> NoReturn:
    """One sentence; of Ray's tracebacks the last line, which says what went wrong."""
    lines = details.strip().splitlines()
    if as_json:
        print_json({"running": False, "message": sentence})
    else:
        err.print(sentence, markup=False)
        if lines and "Error" in lines[-1]:
            err.print(lines[-1].strip(), markup=False)
        err.print("Start one with: gsv start --daemon (or make serve).")
    raise typer.Exit(1)
