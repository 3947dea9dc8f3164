"""The part of `gsv` for tasks: create, upload, run, watch, download, delete."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Column, Table

from serve_app.cli_common import (
    JsonOption,
    TaskArgument,
    assignments,
    by_step,
    client_of,
    err,
    out,
    print_json,
    print_json_line,
)
from serve_app.client import Client


def add_commands(app: typer.Typer) -> None:
    app.command("list")(list_tasks)
    for command in (
        create, upload, run, watch, logs, files, download, remove, cancel, pause, resume, delete,
    ):  # fmt: skip
        app.command()(command)


def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="a name for people")],
    config: Annotated[
        list[str] | None,
        typer.Option("--set", "-s", metavar="FIELD=VALUE", help="such as language=en; repeatable"),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Create a task and print its id; which base model it starts from, and why, goes to stderr."""
    with client_of(context) as client:
        task = client.create(name, assignments(config or []))
    if as_json:
        print_json(task)
        return
    for warning in task.warnings:
        err.print(warning, style="yellow", markup=False)
    if task.base_model is not None:
        err.print(f"base model {task.base_model.name}: {task.base_model.reason}", markup=False)
    out.print(task.task_id)


def list_tasks(
    context: typer.Context,
    status: Annotated[str | None, typer.Option(help="such as running")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 30,
    as_json: JsonOption = False,
) -> None:
    """The tasks, newest first."""
    with client_of(context) as client:
        found = client.tasks(status=status, limit=limit)
    if as_json:
        print_json(found)
        return
    table = Table(
        Column("task", no_wrap=True), "name", "status", "step", "progress", "created", box=None
    )
    for task in found:
        created = task.created_at.astimezone().strftime("%Y-%m-%d %H:%M")
        step, progress = task.current_step or "", f"{task.progress:.0f} %"
        name = escape(task.task_name)
        table.add_row(task.task_id, name, task.status, step, progress, created)
    out.print(table)


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
    as_json: Annotated[
        bool, typer.Option("--json", help="the answer, then an event a line, then the task")
    ] = False,
) -> None:
    """Run all the steps that remain, or those between --from and --to."""
    with client_of(context) as client:
        after = client.task(task).last_event
        answer = client.run(
            task, start=start, end=end, params=by_step(assignments(params or [])), force=force
        )
        if as_json:
            print_json_line(answer)
        else:
            out.print(answer.message)
            for warning in answer.warnings:
                err.print(warning, style="yellow", markup=False)
        if follow and answer.steps:
            _follow(client, task, after, as_json=as_json)


def watch(
    context: typer.Context,
    task: TaskArgument,
    logs: Annotated[bool, typer.Option(help="log lines too")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="an event a line, then the task")] = False,
) -> None:
    """Live progress of all eleven steps, until the run is over. Where nobody looks, in a pipe or
    a file, it is a line a step and one per 10 %."""
    with client_of(context) as client:
        _follow(client, task, 0, logs=logs, as_json=as_json)


def _follow(
    client: Client, task: str, after: int, *, logs: bool = False, as_json: bool = False
) -> None:
    from serve_app.step_lines import show_steps

    if as_json:
        done = client.wait(task, after=after, on_event=print_json_line)
        print_json_line(done)
    else:
        with show_steps(out, logs=logs) as shown:
            done = client.wait(task, after=after, on_event=shown.show)
        out.print(f"{done.task_name}: {done.status}, {done.progress:.0f} %", markup=False)
        if done.error_message:
            err.print(done.error_message, style="red", markup=False)
    if done.status in ("failed", "cancelled"):
        raise typer.Exit(1)


def logs(
    context: typer.Context,
    task: TaskArgument,
    tail: Annotated[int | None, typer.Option(min=1, help="only the last lines")] = None,
    step: Annotated[str | None, typer.Option(help="only this step")] = None,
) -> None:
    """What each step did."""
    with client_of(context) as client:
        sys.stdout.write(client.logs(task, tail=tail, step=step))


def files(context: typer.Context, task: TaskArgument, as_json: JsonOption = False) -> None:
    """The task's files."""
    with client_of(context) as client:
        found = client.files(task)
    if as_json:
        print_json(found)
        return
    table = Table(Column("name", no_wrap=True), "kind", "size", box=None)
    for file in found:
        table.add_row(escape(file.name), file.kind, f"{file.size:,}")
    out.print(table)


def download(
    context: typer.Context,
    task: TaskArgument,
    names: Annotated[
        list[str] | None, typer.Argument(help="default: everything in output/")
    ] = None,
    to: Annotated[Path, typer.Option("--to", "-o", file_okay=False)] = Path(),
    voice: Annotated[
        bool, typer.Option("--voice", help="the whole voice: weights, reference, report, as a zip")
    ] = False,
) -> None:
    """Download files of the task into a folder."""
    with client_of(context) as client:
        if voice:
            name = f"{client.task(task).config.exp_name}-voice.zip"
            out.print(str(client.download_voice(task, to / name)), markup=False)
            if not names:
                return
        wanted = names or [file.name for file in client.files(task) if file.kind == "output"]
        if not wanted:
            err.print("The task has no output yet.")
            raise typer.Exit(1)
        for name in wanted:
            saved = client.download(task, name, to / Path(name).name)
            out.print(str(saved), markup=False)


def remove(
    context: typer.Context,
    task: TaskArgument,
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="as `gsv files` has them")],
) -> None:
    """Remove uploaded files."""
    with client_of(context) as client:
        for name in names:
            out.print(client.delete_file(task, name).message, markup=False)


def cancel(context: typer.Context, task: TaskArgument) -> None:
    """End what runs or waits."""
    with client_of(context) as client:
        out.print(client.cancel(task).message, markup=False)


def pause(context: typer.Context, task: TaskArgument) -> None:
    """Stop what runs or waits, to go on later; its CPUs and GPUs are free meanwhile."""
    with client_of(context) as client:
        out.print(client.pause(task).message, markup=False)


def resume(context: typer.Context, task: TaskArgument) -> None:
    """Go on with what was paused."""
    with client_of(context) as client:
        out.print(client.resume(task).message, markup=False)


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
