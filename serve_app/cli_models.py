"""`gsv models`: what can be had, fetching it, checking it, and converting weight files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Column, Table

from serve_app.cli_common import JsonOption, out, print_json
from serve_app.pull_bars import show_pull

if TYPE_CHECKING:
    from ray_pipeline.hub.catalogue import Entry

models = typer.Typer(help="Base models and recognisers: list, pull, verify, convert.")

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="as `gsv models list` has it")]


@models.command("list")
def list_models(
    files: Annotated[bool, typer.Option("--files", "-f", help="name what is missing")] = False,
    as_json: JsonOption = False,
) -> None:
    """Everything that can be pulled; base models in the order in which `auto` prefers them."""
    from ray_pipeline.hub.catalogue import CATALOGUE
    from ray_pipeline.text.chinese.g2pw import has_g2pw
    from serve_app.settings import load_settings

    folder = load_settings().models_dir
    if as_json:
        print_json([_plain(row, folder) for row in CATALOGUE.values()])
        return
    size = Column("size", justify="right", no_wrap=True)
    table = Table(Column("name", no_wrap=True), "what", size, "state", "sources", box=None)
    for row in CATALOGUE.values():
        table.add_row(
            row.name,
            row.kind,
            f"{row.about_bytes / 1e6:,.0f} MB" if row.parts else "",
            _state(row.missing(folder), row.paths),
            ", ".join(row.sources) if row.parts else "needs no files",
        )
    out.print(table)
    out.print(f"Models folder: {folder}", markup=False)
    state = "present" if has_g2pw(folder) else "not there"
    out.print(f"G2PWModel (Chinese polyphones, put there by hand): {state}")
    if files:
        absent = [path for row in CATALOGUE.values() for path in row.missing(folder)]
        for path in dict.fromkeys(absent):
            out.print(f"missing: {path}", soft_wrap=True)


def _plain(row: Entry, folder: Path) -> dict[str, Any]:
    return {
        "name": row.name,
        "kind": row.kind,
        "bytes": row.about_bytes if row.parts else 0,
        "missing": row.missing(folder),
        "sources": list(row.sources) if row.parts else [],
    }


def _state(missing: list[str], paths: tuple[str, ...]) -> str:
    if missing:
        return f"[yellow]{len(missing)} of {len(paths)} files missing[/]"
    return "[green]ready[/]"


@models.command()
def pull(
    name: NameArgument,
    source: Annotated[
        str | None, typer.Option(help="huggingface or modelscope; default: the first that has it")
    ] = None,
    alone: Annotated[
        bool, typer.Option("--alone", help="leave out BERT, which Chinese is trained with")
    ] = False,
) -> None:
    """Download what is missing. Call it again after an interruption: it goes on where it was."""
    from ray_pipeline.hub.catalogue import entry, with_companions
    from ray_pipeline.hub.pulling import pull as pull_model
    from serve_app.settings import load_settings

    folder = load_settings().models_dir
    for row in [entry(name)] if alone else with_companions(name):
        if not row.parts:
            out.print(f"{row.name} needs no files.")
            continue
        out.print(f"{row.name}: about {row.about_bytes / 1e6:,.0f} MB, licence {row.licences}")
        with show_pull(out) as shown:
            files = pull_model(row.name, folder, source, shown.show)
        out.print(f"{len(files)} files of {row.name} are in {folder}.", markup=False)


@models.command()
def verify(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="default: whatever is complete")
    ] = None,
) -> None:
    """Check sizes and checksums, and read every weight file through."""
    from ray_pipeline.hub.catalogue import CATALOGUE
    from ray_pipeline.hub.pulling import verify as verify_model
    from serve_app.settings import load_settings

    folder = load_settings().models_dir
    complete = [row.name for row in CATALOGUE.values() if row.parts and not row.missing(folder)]
    marks = {True: "[green]✓[/]", None: "[yellow]–[/]", False: "[red]✗[/]"}
    table = Table(box=None, show_header=False)
    found = [check for name in names or complete for check in verify_model(name, folder)]
    for check in dict.fromkeys(found):
        table.add_row(marks[check.ok], check.file, escape(check.detail))
    if not found:
        out.print(f"Nothing to check: no model in {folder} is complete.", markup=False)
        return
    out.print(table)
    if any(check.ok is False for check in found):
        raise typer.Exit(1)


@models.command()
def convert(
    source: Annotated[Path, typer.Argument(metavar="IN", exists=True, dir_okay=False)],
    target: Annotated[Path, typer.Argument(metavar="OUT", dir_okay=False)],
    force: Annotated[bool, typer.Option("--force", "-f", help="replace OUT")] = False,
) -> None:
    """Convert exported weights (.pth, .ckpt) to .safetensors, or back."""
    from ray_pipeline.weights.conversion import convert as convert_file

    done = convert_file(source, target, replace=force)
    kind = f"{done.weights.version} {done.weights.kind}"
    size = target.stat().st_size / 1e6
    out.print(f"{target}: {kind}, {done.num_tensors} tensors, {size:.1f} MB", markup=False)
