"""The part of `gsv` that cuts clips by hand: trim, split, merge."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from ray_pipeline.core.errors import InvalidInput
from serve_app.cli_common import JsonOption, TaskArgument, client_of, err, out, print_json

cut = typer.Typer(help="Cut clips by hand: trim, split, merge.")

ClipArgument = Annotated[
    str, typer.Argument(metavar="CLIP", help="as `gsv transcripts list` has it")
]


def add_commands(app: typer.Typer) -> None:
    app.add_typer(cut, name="cut", no_args_is_help=True)


@cut.command()
def trim(
    context: typer.Context,
    task: TaskArgument,
    clip: ClipArgument,
    start: Annotated[
        float | None, typer.Option(help="seconds from its beginning; below 0: from before it")
    ] = None,
    end: Annotated[float | None, typer.Option(help="seconds from its beginning")] = None,
    text: Annotated[str | None, typer.Option("--text", "-t", help="what is left of it")] = None,
) -> None:
    """Move the edges of a clip. Its text stays unless another is given."""
    if start is None and end is None:
        raise InvalidInput("There is nothing to change.", hint="Give --start, --end or both.")
    _cut(context, task, [clip], [{"start": start, "end": end, "text": text}])


@cut.command()
def split(
    context: typer.Context,
    task: TaskArgument,
    clip: ClipArgument,
    at: Annotated[list[float], typer.Option(help="seconds from its beginning; again for each cut")],
    text: Annotated[
        list[str] | None,
        typer.Option("--text", "-t", help="what is said in each part, in order; else it is heard"),
    ] = None,
) -> None:
    """Cut a clip in two or more."""
    edges = [None, *sorted(at), None]
    texts: list[str | None] = [*(text or [])]
    if texts and len(texts) != len(edges) - 1:
        raise InvalidInput(
            f"{len(edges) - 1} parts and {len(texts)} texts.",
            hint="Give a --text for each part, or none.",
        )
    texts = texts or [None] * (len(edges) - 1)
    pieces = [
        {"start": start, "end": end, "text": said}
        for start, end, said in zip(edges, edges[1:], texts, strict=False)
    ]
    _cut(context, task, [clip], pieces)


@cut.command()
def merge(
    context: typer.Context,
    task: TaskArgument,
    clips: Annotated[list[str], typer.Argument(metavar="CLIP CLIP...")],
    text: Annotated[str | None, typer.Option("--text", "-t", help="else their texts")] = None,
) -> None:
    """Make one clip of several that follow each other, with the pauses between them."""
    _cut(context, task, clips, [{"text": text}])


@cut.command("list")
def list_cuts(context: typer.Context, task: TaskArgument, as_json: JsonOption = False) -> None:
    """The recordings that are cut by hand."""
    with client_of(context) as client:
        found = client.cuts(task)
    if as_json:
        print_json(found)
        return
    table = Table("recording", "clips", box=None)
    for each in found:
        table.add_row(escape(each.recording), str(len(each.clips)))
    out.print(table)


@cut.command()
def forget(
    context: typer.Context,
    task: TaskArgument,
    recording: Annotated[str, typer.Argument(help="as `gsv cut list` has it")],
) -> None:
    """Have a recording cut at its pauses again."""
    with client_of(context) as client:
        out.print(escape(client.forget_cuts(task, recording).message))


def _cut(context: typer.Context, task: str, clips: list[str], pieces: list[dict[str, Any]]) -> None:
    with client_of(context) as client:
        for name in client.cut_clips(task, clips, pieces):
            out.print(escape(name), soft_wrap=True)
    err.print(f"Cut when the steps run: gsv run {task} --to asr_transcribe")
