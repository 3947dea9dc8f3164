"""The command `gsv`: the client in a terminal, and starting and looking after the service."""

from __future__ import annotations

from typing import Annotated

import typer

from ray_pipeline.core.errors import PipelineError
from serve_app import cli_checkpoints, cli_clips, cli_cuts, cli_service, cli_speech, cli_tasks
from serve_app.cli_books import books
from serve_app.cli_common import err, out
from serve_app.cli_voices import voices
from serve_app.client import DEFAULT_URL, Client, ServiceError

app = typer.Typer(
    help="Train GPT-SoVITS voices through the service.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _say_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        out.print(f"gsv {version('gpt-sovits-ray')}")
        raise typer.Exit


@app.callback()
def choose_service(
    context: typer.Context,
    url: Annotated[str, typer.Option(envvar="GSV_URL", help="where the service is")] = DEFAULT_URL,
    api_key: Annotated[
        str | None, typer.Option(envvar="GSV_API_KEY", help="its API key, if it has one")
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="and exit")
    ] = False,
) -> None:
    context.obj = lambda: Client(url, api_key=api_key)


cli_tasks.add_commands(app)
cli_clips.add_commands(app)
cli_cuts.add_commands(app)
cli_checkpoints.add_commands(app)
cli_speech.add_commands(app)
cli_service.add_commands(app)
app.add_typer(voices, name="voices", no_args_is_help=True)
app.add_typer(books, name="books", no_args_is_help=True)


def main() -> None:
    try:
        app()
    except (ServiceError, PipelineError, TimeoutError) as error:
        err.print(str(getattr(error, "message", error)), style="red", markup=False)
        if hint := getattr(error, "hint", ""):
            err.print(hint, markup=False)
        raise SystemExit(1) from None
