"""`gsv voices alias`, `trial`: other names of kept voices, and versions that are tried."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from ray_pipeline.core.errors import InvalidInput
from serve_app.cli_common import JsonOption, client_of, err, out, print_json


def add_commands(voices: typer.Typer) -> None:
    voices.command()(alias)
    voices.command()(trial)


def alias(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="the other name")],
    voice: Annotated[str | None, typer.Argument(help="the voice that it means")] = None,
    version: Annotated[int | None, typer.Option(min=1, help="pin this one")] = None,
    canary: Annotated[int | None, typer.Option(min=1, help="a version to try")] = None,
    share: Annotated[float, typer.Option(min=0, max=1, help="of the requests for it")] = 0.0,
    rollback_after: Annotated[
        int | None,
        typer.Option(min=10, help="take it back if it is worse after so many of its requests"),
    ] = None,
    drop: Annotated[bool, typer.Option("--remove", help="take the name away")] = False,
) -> None:
    """Give a voice another name, or take one away."""
    with client_of(context) as client:
        if drop:
            out.print(client.delete_voice_alias(name).message, markup=False)
            return
        if voice is None:
            raise InvalidInput("Name the voice.", hint="gsv voices alias narrator anna")
        found = client.put_voice_alias(
            name,
            voice,
            version=version,
            canary_version=canary,
            canary_share=share,
            rollback_after=rollback_after,
        )
    pinned = f"@{found.version}" if found.version else ""
    tried = f"; {found.canary_share:.0%} go to version {canary}" if canary else ""
    out.print(f"{found.name} is {found.voice}{pinned}{tried}.", markup=False)


def trial(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="ALIAS", help="the other name")],
    as_json: JsonOption = False,
) -> None:
    """How the versions do that an alias sends requests to."""
    with client_of(context) as client:
        found = client.voice_trial(name)
    if as_json:
        print_json(found)
        return
    table = Table(
        *("version", "requests", "refused", "failed", "badly said", "with gaps", "said again"),
        *("first sound", "timbre", "CER"),
        box=None,
    )
    for row in found.versions:
        shares = (row.refused, row.failed, row.with_lost, row.with_gaps)
        table.add_row(
            f"{'* ' if row.is_canary else '  '}{row.version}",
            str(row.requests),
            *(f"{count} ({count / row.requests:.0%})" for count in shares),
            f"{row.retries} of {row.pieces}",
            "" if row.first_sound_seconds is None else f"{row.first_sound_seconds:.2f} s",
            "" if row.timbre_distance is None else f"{row.timbre_distance:.1f}",
            "" if row.cer is None else f"{row.cer:.1%}",
        )
    out.print(table)
    alias = found.alias
    if alias.rolled_back:
        err.print(f"Taken back. {alias.rolled_back}", style="yellow", markup=False)
    else:
        out.print(f"* tried on {alias.canary_share:.0%} of the requests", markup=False)
