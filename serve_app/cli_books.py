"""`gsv books`: long texts, spoken in the background."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from ray_pipeline.core.text_files import read_text
from serve_app.book_schemas import BookAnswer
from serve_app.cli_common import JsonOption, assignments, client_of, err, out, print_json
from serve_app.client import Client

books = typer.Typer(help="Long texts, spoken in the background, chapter by chapter.")

BookArgument = Annotated[str, typer.Argument(metavar="BOOK", help="its id")]
FolderOption = Annotated[Path, typer.Option("--to", "-o", file_okay=False, help="a folder")]
_LOOK_SECONDS = 1.0


@books.command()
def speak(
    context: typer.Context,
    voice: Annotated[str, typer.Argument(help="its name, name@version, or an alias")],
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="text; # begins a chapter; or SSML")
    ],
    title: Annotated[str | None, typer.Option(help="default: the file's name")] = None,
    fields: Annotated[
        list[str] | None,
        typer.Option("--set", "-s", metavar="FIELD=VALUE", help="such as response_format=flac"),
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option("--to", "-o", file_okay=False, help="wait, then write its files there"),
    ] = None,
) -> None:
    """Have a file spoken. It goes on without this command, over restarts of the service, too."""
    text = read_text(file)
    with client_of(context) as client:
        book = client.start_book(title or file.stem, voice, text, **assignments(fields or []))
        out.print(book.book_id)
        if to is not None:
            _write(client, _wait(client, book), to)


@books.command("list")
def list_books(context: typer.Context, as_json: JsonOption = False) -> None:
    """Every book with how far it is."""
    with client_of(context) as client:
        found = client.books()
    if as_json:
        print_json(found)
        return
    table = Table("id", "title", "voice", "state", "said", "sound", box=None)
    for book in found:
        minutes = f"{book.sound_seconds / 60:.1f} min"
        table.add_row(book.book_id, book.title, book.voice, book.state, _said(book), minutes)
    out.print(table)


@books.command()
def show(context: typer.Context, book: BookArgument, as_json: JsonOption = False) -> None:
    """How far a book is, chapter by chapter."""
    with client_of(context) as client:
        found = client.book(book)
    if as_json:
        print_json(found)
        return
    out.print(f"{found.title}, {found.voice}: {found.state}, {_said(found)}", markup=False)
    for number, chapter in enumerate(found.chapters, 1):
        mark = "done" if chapter.is_done else "-"
        out.print(f"{number:>3}  {mark:<5} {chapter.title}", markup=False)
    _tell(found)


@books.command()
def save(context: typer.Context, book: BookArgument, to: FolderOption = Path()) -> None:
    """Wait until a book is done, then write a file a chapter, one of all, and subtitles."""
    with client_of(context) as client:
        _write(client, _wait(client, client.book(book)), to)


@books.command()
def cancel(context: typer.Context, book: BookArgument) -> None:
    """End it; what is said stays."""
    with client_of(context) as client:
        out.print(client.cancel_book(book).state)


@books.command()
def resume(context: typer.Context, book: BookArgument) -> None:
    """Go on with one that failed or was cancelled."""
    with client_of(context) as client:
        out.print(client.resume_book(book).state)


@books.command()
def remove(
    context: typer.Context,
    book: BookArgument,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="do not ask")] = False,
) -> None:
    """Remove a book with its files."""
    if not yes:
        typer.confirm("Remove the book with its files?", abort=True)
    with client_of(context) as client:
        out.print(client.delete_book(book).message)


def _wait(client: Client, book: BookAnswer) -> BookAnswer:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task(book.title, total=book.num_blocks)
        while book.state in ("queued", "running"):
            bar.update(task, completed=book.done_blocks)
            time.sleep(_LOOK_SECONDS)
            book = client.book(book.book_id)
    return book


def _write(client: Client, book: BookAnswer, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    ready: list[int | None] = [n for n, each in enumerate(book.chapters, 1) if each.is_done]
    if book.state == "done":
        ready.append(None)
    for chapter in ready:
        name = "whole" if chapter is None else f"{chapter:02d}"
        target = folder / f"{name}.{book.format}"
        out.print(str(client.download_book(book.book_id, target, chapter=chapter)), markup=False)
        client.download_book_subtitles(book.book_id, folder / f"{name}.srt", chapter=chapter)
    _tell(book)
    if book.state != "done":
        raise typer.Exit(1)


def _tell(book: BookAnswer) -> None:
    if book.problem:
        err.print(book.problem, style="red", markup=False)
    for text in book.left_out:
        err.print(f"left out: {text}", style="yellow", markup=False)
    for text in book.badly_said:
        err.print(text, style="yellow", markup=False)


def _said(book: BookAnswer) -> str:
    return f"{book.done_blocks} of {book.num_blocks}"
