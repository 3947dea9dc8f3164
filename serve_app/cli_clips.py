"""The part of `gsv` for looking at clips: the report on them, their texts, their sound."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Column, Table

from ray_pipeline.core.errors import InvalidInput
from serve_app.cli_common import JsonOption, TaskArgument, client_of, err, out, print_json
from serve_app.clip_schemas import TranscriptBody

transcripts = typer.Typer(help="What is said in each clip: list, show, edit, save, load.")

ClipArgument = Annotated[
    str, typer.Argument(metavar="CLIP", help="as `gsv transcripts list` has it")
]


def add_commands(app: typer.Typer) -> None:
    app.command()(report)
    app.command()(clip)
    app.add_typer(transcripts, name="transcripts", no_args_is_help=True)


def report(
    context: typer.Context,
    task: TaskArgument,
    everything: Annotated[
        bool, typer.Option("--all", help="every clip, the good ones too")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """How good the recordings are, what to do about it, and which clips training leaves out."""
    from serve_app.report_page import print_report

    with client_of(context) as client:
        name = client.task(task).task_name
        with err.status("The clips are being measured …"):
            found = client.report(task)
    if as_json:
        print_json(asdict(found))
        return
    print_report(out, name, found, everything=everything)


def clip(
    context: typer.Context,
    task: TaskArgument,
    clips: Annotated[list[str], typer.Argument(metavar="CLIP...")],
    to: Annotated[Path, typer.Option("--to", "-o", file_okay=False, help="folder")] = Path(),
    picture: Annotated[bool, typer.Option("--picture", "-p", help="its outline too")] = False,
) -> None:
    """Download clips as training hears them (WAV), and pictures of them (PNG)."""
    with client_of(context) as client:
        for name in clips:
            target = to / Path(name).name
            out.print(str(client.download_clip(task, name, target)), soft_wrap=True)
            if picture:
                drawn = client.download_picture(task, name, target.with_suffix(".png"))
                out.print(str(drawn), soft_wrap=True)


@transcripts.command("list")
def list_transcripts(
    context: typer.Context, task: TaskArgument, as_json: JsonOption = False
) -> None:
    """Every clip with its text."""
    with client_of(context) as client:
        rows = client.transcripts(task)
    if as_json:
        print_json(rows)
        return
    table = Table(
        Column("clip", no_wrap=True), Column("seconds", justify="right"), "use", "language",
        Column("text", overflow="fold"), "from", box=None,
    )  # fmt: skip
    for row in rows:
        use, said_by = "yes" if row.include else "[yellow]no[/]", _source(row)
        seconds = f"{row.timing.end - row.timing.start:.1f}" if row.timing else ""
        table.add_row(escape(row.clip), seconds, use, row.language, escape(row.text), said_by)
    out.print(table)


@transcripts.command()
def show(
    context: typer.Context, task: TaskArgument, clip: ClipArgument, as_json: JsonOption = False
) -> None:
    """One clip: its text, when it is spoken, and the etag that `edit --etag` takes."""
    with client_of(context) as client:
        row = client.transcript(task, clip)
    print_json(row) if as_json else _print_row(row)


@transcripts.command()
def edit(
    context: typer.Context,
    task: TaskArgument,
    clip: ClipArgument,
    text: Annotated[str | None, typer.Option("--text", "-t")] = None,
    language: Annotated[str | None, typer.Option("--language", "-l")] = None,
    include: Annotated[
        bool | None, typer.Option("--include/--exclude", help="train on it or not")
    ] = None,
    speaker: Annotated[str | None, typer.Option("--speaker")] = None,
    etag: Annotated[
        str | None, typer.Option(help="refuse if the clip has changed since `show` said this")
    ] = None,
) -> None:
    """Change one clip: its text, language, use or speaker."""
    changes = {"text": text, "language": language, "include": include, "speaker": speaker}
    if all(value is None for value in changes.values()):
        raise InvalidInput("There is nothing to change.", hint="Say what, such as --text 'Hello.'.")
    quoted = f'"{etag.strip(chr(34))}"' if etag else None
    with client_of(context) as client:
        _print_row(client.edit_transcript(task, clip, etag=quoted, **changes))


@transcripts.command()
def save(
    context: typer.Context,
    task: TaskArgument,
    file: Annotated[Path, typer.Argument(metavar="FILE.list", dir_okay=False)],
) -> None:
    """Write the included clips as a list, `clip|speaker|LANGUAGE|text`, to correct it."""
    with client_of(context) as client:
        out.print(str(client.download_list(task, file)), soft_wrap=True)


@transcripts.command()
def load(
    context: typer.Context,
    task: TaskArgument,
    file: Annotated[Path, typer.Argument(metavar="FILE.list", exists=True, dir_okay=False)],
) -> None:
    """Send a corrected list back: each row changes the clip it names."""
    with client_of(context) as client:
        taken = client.upload_list(task, file)
    out.print(f"{taken.changed} of {taken.rows} clips were changed.")
    for sentence in taken.problems:
        err.print(f"[yellow]{escape(sentence)}[/]")


def _print_row(row: TranscriptBody) -> None:
    table = Table(box=None, show_header=False)
    table.add_row("clip", escape(row.clip))
    table.add_row("text", escape(row.text) or "[yellow]none[/]")
    table.add_row("language", row.language)
    table.add_row("used", "yes" if row.include else "[yellow]no[/]")
    table.add_row("speaker", escape(row.speaker))
    table.add_row("from", _source(row))
    if row.timing:
        place = _span(row.timing.start, row.timing.end)
        table.add_row("recording", f"{escape(row.timing.recording)}, {place}")
        if row.timing.speech:
            table.add_row("speech", ", ".join(_span(*part) for part in row.timing.speech))
    table.add_row("etag", row.etag.strip('"'))
    out.print(table)


def _span(start: float, end: float) -> str:
    return f"{start:.2f}–{end:.2f} s"


def _source(row: TranscriptBody) -> str:
    sure = "" if row.confidence is None else f" {row.confidence:.0%}"
    return f"{row.source}{sure}"
