"""The command `gsv`: the client in a terminal, and starting and looking after the service."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Column, Table

from ray_pipeline.core.errors import InvalidInput, PipelineError
from serve_app import cli_clips, cli_service
from serve_app.cli_common import TaskArgument, client_of, err, out
from serve_app.client import DEFAULT_URL, Client, ServiceError

app = typer.Typer(
    help="Train GPT-SoVITS voices through the service.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


@app.callback()
def choose_service(
    context: typer.Context,
    url: Annotated[str, typer.Option(envvar="GSV_URL", help="where the service is")] = DEFAULT_URL,
    api_key: Annotated[
        str | None, typer.Option(envvar="GSV_API_KEY", help="its API key, if it has one")
    ] = None,
) -> None:
    context.obj = lambda: Client(url, api_key=api_key)


# -- tasks
@app.command()
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="a name for people")],
    config: Annotated[
        list[str] | None,
        typer.Option("--set", "-s", metavar="FIELD=VALUE", help="such as language=en; repeatable"),
    ] = None,
) -> None:
    """Create a task and print its id."""
    with client_of(context) as client:
        out.print(client.create(name, assignments(config or [])).task_id)


@app.command("list")
def list_tasks(
    context: typer.Context,
    status: Annotated[str | None, typer.Option(help="such as running")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 30,
) -> None:
    """The tasks, newest first."""
    table = Table(
        Column("task", no_wrap=True), "name", "status", "step", "progress", "created", box=None
    )
    with client_of(context) as client:
        for task in client.tasks(status=status, limit=limit):
            created = task.created_at.astimezone().strftime("%Y-%m-%d %H:%M")
            step, progress = task.current_step or "", f"{task.progress:.0f} %"
            name = escape(task.task_name)
            table.add_row(task.task_id, name, task.status, step, progress, created)
    out.print(table)


@app.command()
def upload(
    context: typer.Context,
    task: TaskArgument,
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False)],
) -> None:
    """Upload audio, transcripts (.list, or .txt beside an audio file), pronunciations (.dict)."""
    with client_of(context) as client:
        for file in files:
            stored = client.upload(task, [file])
            size = f"{stored.size / 1e6:.1f} MB"
            out.print(f"{file} → {stored.filename} ({size})", markup=False)


@app.command()
def run(
    context: typer.Context,
    task: TaskArgument,
    start: Annotated[str | None, typer.Option("--from", help="first step")] = None,
    end: Annotated[str | None, typer.Option("--to", help="last step")] = None,
    params: Annotated[
        list[str] | None,
        typer.Option("--set", "-s", metavar="STEP.FIELD=VALUE", help="repeatable"),
    ] = None,
    force: Annotated[bool, typer.Option(help="compute everything anew")] = False,
    follow: Annotated[bool, typer.Option("--watch/--no-watch", help="show progress")] = True,
) -> None:
    """Run all the steps that remain, or those between --from and --to."""
    with client_of(context) as client:
        after = _newest_event(client, task)
        answer = client.run(
            task, start=start, end=end, params=by_step(assignments(params or [])), force=force
        )
        out.print(answer.message)
        for warning in answer.warnings:
            err.print(warning, style="yellow", markup=False)
        if follow and answer.steps:
            _follow(client, task, after)


@app.command()
def watch(
    context: typer.Context,
    task: TaskArgument,
    logs: Annotated[bool, typer.Option(help="log lines too")] = False,
) -> None:
    """Live progress of all eleven steps, until the run is over."""
    with client_of(context) as client:
        _follow(client, task, 0, logs=logs)


def _follow(client: Client, task: str, after: int, *, logs: bool = False) -> None:
    from serve_app.step_bars import StepBars

    with StepBars(out, logs=logs) as bars:
        done = client.wait(task, after=after, on_event=bars.show)
    out.print(f"{done.task_name}: {done.status}, {done.progress:.0f} %", markup=False)
    if done.error_message:
        err.print(done.error_message, style="red", markup=False)
    if done.status in ("failed", "cancelled"):
        raise typer.Exit(1)


def _newest_event(client: Client, task: str) -> int:
    after = 0
    while page := client.events(task, after=after):
        after = page[-1].seq
    return after


@app.command()
def logs(
    context: typer.Context,
    task: TaskArgument,
    tail: Annotated[int | None, typer.Option(min=1, help="only the last lines")] = None,
    step: Annotated[str | None, typer.Option(help="only this step")] = None,
) -> None:
    """What each step did."""
    with client_of(context) as client:
        sys.stdout.write(client.logs(task, tail=tail, step=step))


@app.command()
def files(context: typer.Context, task: TaskArgument) -> None:
    """The task's files."""
    table = Table("name", "kind", "size", box=None)
    with client_of(context) as client:
        for file in client.files(task):
            table.add_row(escape(file.name), file.kind, f"{file.size:,}")
    out.print(table)


@app.command()
def download(
    context: typer.Context,
    task: TaskArgument,
    names: Annotated[
        list[str] | None, typer.Argument(help="default: everything in output/")
    ] = None,
    to: Annotated[Path, typer.Option("--to", "-o", file_okay=False)] = Path(),
) -> None:
    """Download files of the task into a folder."""
    with client_of(context) as client:
        wanted = names or [file.name for file in client.files(task) if file.kind == "output"]
        if not wanted:
            err.print("The task has no output yet.")
            raise typer.Exit(1)
        for name in wanted:
            saved = client.download(task, name, to / Path(name).name)
            out.print(str(saved), markup=False)


@app.command()
def cancel(context: typer.Context, task: TaskArgument) -> None:
    """End what runs or waits."""
    with client_of(context) as client:
        out.print(client.cancel(task).message, markup=False)


@app.command()
def delete(
    context: typer.Context,
    task: TaskArgument,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="do not ask")] = False,
) -> None:
    """Remove a task with all its files."""
    if not yes:
        typer.confirm(f"Delete task {task} with all its files?", abort=True)
    with client_of(context) as client:
        out.print(client.delete(task).message, markup=False)


def assignments(pairs: list[str]) -> dict[str, Any]:
    """`name=value` pairs; a value is JSON where it can be read as such, else text."""
    found: dict[str, Any] = {}
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if not separator or not name:
            raise InvalidInput(f"{pair!r} is not NAME=VALUE.", hint="Write it as language=en.")
        # A gpu_id "0" and a speaker called 12 are texts.
        found[name] = value if name in ("gpu_id", "exp_name") else _json_or_text(value)
    return found


def _json_or_text(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value


def by_step(flat: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """`{"train_gpt.epochs": 3}` as `{"train_gpt": {"epochs": 3}}`."""
    nested: dict[str, dict[str, Any]] = {}
    for name, value in flat.items():
        step, separator, field = name.partition(".")
        if not separator:
            raise InvalidInput(f"{name!r} names no step.", hint="Write it as train_gpt.epochs=3.")
        nested.setdefault(step, {})[field] = value
    return nested


cli_clips.add_commands(app)
cli_service.add_commands(app)


def main() -> None:
    try:
        app()
    except (ServiceError, PipelineError, TimeoutError) as error:
        err.print(str(getattr(error, "message", error)), style="red", markup=False)
        if hint := getattr(error, "hint", ""):
            err.print(hint, markup=False)
        raise SystemExit(1) from None
