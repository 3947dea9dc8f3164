"""`gsv voices`: kept voices, their versions, other names."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Column, Table

from ray_pipeline.core.errors import InvalidInput
from serve_app import cli_aliases
from serve_app.cli_common import JsonOption, assignments, client_of, err, out, print_json
from serve_app.voice_schemas import VoiceAnswer

voices = typer.Typer(help="Kept voices: from a task or from files; versions, other names.")
cli_aliases.add_commands(voices)

VoiceArgument = Annotated[str, typer.Argument(metavar="VOICE", help="its name, or its id")]
FilesArgument = Annotated[
    list[Path],
    typer.Argument(
        metavar="FILE...",
        exists=True,
        dir_okay=False,
        help=".ckpt, .pth and a recording; or one .zip of a voice; or a recording",
    ),
]
TextOption = Annotated[str, typer.Option(help="what is said in the recording")]
SpokenOption = Annotated[str, typer.Option("--language", "-l", help="what is spoken in it")]
NoteOption = Annotated[str, typer.Option(help="what this version is")]
OwnerOption = Annotated[str, typer.Option(help="whose voice it is")]
ConsentOption = Annotated[str, typer.Option(help="who agreed to what, and when")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", "-s", metavar="OPTION=VALUE", help="of test_inference; repeatable"),
]
BaseOption = Annotated[
    str | None, typer.Option("--base", help="no weights: this base model imitates the recording")
]


@voices.command("list")
def list_voices(context: typer.Context, as_json: JsonOption = False) -> None:
    """Every kept voice."""
    with client_of(context) as client:
        found = client.voices()
    if as_json:
        print_json(found)
        return
    table = Table(
        Column("name", no_wrap=True),
        "version",
        "base",
        "language",
        "moods",
        "aliases",
        "",
        box=None,
    )
    for voice in found:
        state = f"disabled: {voice.disabled_reason}" if voice.disabled_reason else ""
        more = ", ".join(voice.moods), ", ".join(voice.aliases)
        table.add_row(
            voice.name, str(voice.current), voice.base_model, voice.language, *more, state
        )
    out.print(table)


@voices.command()
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="what requests call it by")],
    task: Annotated[str, typer.Option(help="the task that trained it")],
    language: Annotated[str | None, typer.Option("--language", "-l")] = None,
    owner: OwnerOption = "",
    consent: ConsentOption = "",
    note: NoteOption = "",
    params: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Keep the voice that a task has trained."""
    chosen = assignments(params or [])
    with client_of(context) as client:
        voice = client.keep_voice(
            name, task, language=language, owner=owner, consent=consent, note=note, params=chosen
        )
    _say(voice, as_json=as_json)


@voices.command("import")
def import_voice(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="what requests call it by")],
    files: FilesArgument,
    text: TextOption = "",
    language: SpokenOption = "",
    base: BaseOption = None,
    owner: OwnerOption = "",
    consent: ConsentOption = "",
    note: NoteOption = "",
    as_json: JsonOption = False,
) -> None:
    """Keep a voice that was trained elsewhere, or a recording that a base model imitates."""
    fields = _spoken(text, language, base) | {"owner": owner, "consent": consent, "note": note}
    with client_of(context) as client:
        _say(client.import_voice(name, files, **fields), as_json=as_json)


@voices.command()
def add(
    context: typer.Context,
    voice: VoiceArgument,
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[FILE]...", exists=True, dir_okay=False, help="as import takes"),
    ] = None,
    task: Annotated[str | None, typer.Option(help="the task that trained the version")] = None,
    mood: Annotated[str, typer.Option(help="of the recording")] = "default",
    text: TextOption = "",
    language: SpokenOption = "",
    base: BaseOption = None,
    note: NoteOption = "",
    promote: Annotated[bool, typer.Option("--promote", help="let it speak at once")] = False,
    params: SetOption = None,
) -> None:
    """Keep another version of a voice: from a task, from files, or with another recording."""
    if (task is None) == (not files):
        raise InvalidInput("Give either --task or files.", hint="See `gsv voices add --help`.")
    with client_of(context) as client:
        if task is not None:
            chosen = assignments(params or [])
            added = client.keep_version(voice, task, note=note, promote=promote, params=chosen)
        else:
            fields = _spoken(text, language, base) | {"mood": mood, "note": note}
            added = client.import_version(voice, files or [], promote=promote, **fields)
    speaks = "speaks from now on" if promote else f"speaks as {voice}@{added.number}"
    out.print(f"Version {added.number} was kept; it {speaks}.", markup=False)


@voices.command()
def show(context: typer.Context, voice: VoiceArgument, as_json: JsonOption = False) -> None:
    """A voice and its versions."""
    with client_of(context) as client:
        found, versions = client.voice(voice), client.voice_versions(voice)
    if as_json:
        described = found.model_dump(mode="json")
        print_json({**described, "versions": [row.model_dump(mode="json") for row in versions]})
        return
    for label, value in (
        ("name", found.name),
        ("id", found.voice_id),
        ("language", found.language),
        ("owner", found.owner or "not said"),
        ("consent", found.consent or "not recorded"),
        ("aliases", ", ".join(found.aliases) or "none"),
        ("disabled", found.disabled_reason or "no"),
    ):
        out.print(f"{label}: {value}", markup=False)
    table = Table("version", "base", "moods", "from", "kept", "note", box=None)
    for row in versions:
        mark = "* " if row.number == found.current else "  "
        moods = ", ".join(reference.mood for reference in row.references)
        source = str(row.lineage.get("task_id") or row.lineage.get("source") or "")
        kept = row.created_at.strftime("%Y-%m-%d %H:%M")
        table.add_row(f"{mark}{row.number}", row.base_model, moods, source, kept, row.note)
    out.print(table)


@voices.command()
def promote(
    context: typer.Context,
    voice: VoiceArgument,
    version: Annotated[int, typer.Argument(min=1)],
) -> None:
    """Let a version speak."""
    with client_of(context) as client:
        _say(client.promote_version(voice, version))


@voices.command()
def rollback(context: typer.Context, voice: VoiceArgument) -> None:
    """Let the version speak that did so before."""
    with client_of(context) as client:
        _say(client.roll_back_version(voice))


@voices.command()
def rename(
    context: typer.Context,
    voice: VoiceArgument,
    name: Annotated[str, typer.Argument(metavar="NEW", help="its new name")],
) -> None:
    """Give a voice another name; its id stays."""
    with client_of(context) as client:
        _say(client.change_voice(voice, name=name))


@voices.command()
def disable(
    context: typer.Context,
    voice: VoiceArgument,
    reason: Annotated[str, typer.Argument(help="what those are told who ask for it")],
) -> None:
    """Take a voice out of use."""
    with client_of(context) as client:
        client.disable_voice(voice, reason)
    out.print(f"{voice} is out of use.", markup=False)


@voices.command()
def enable(context: typer.Context, voice: VoiceArgument) -> None:
    """Take a voice back into use."""
    with client_of(context) as client:
        _say(client.enable_voice(voice))


@voices.command()
def remove(
    context: typer.Context,
    voice: VoiceArgument,
    version: Annotated[int | None, typer.Option(min=1, help="this one only")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="do not ask")] = False,
) -> None:
    """Remove a voice with its versions, other names and files, or one version; the task that
    trained it stays."""
    what = f"the voice {voice} with all its versions" if version is None else f"{voice}@{version}"
    if not yes:
        typer.confirm(f"Remove {what}?", abort=True)
    with client_of(context) as client:
        if version is None:
            out.print(client.delete_voice(voice).message, markup=False)
        else:
            out.print(client.delete_version(voice, version).message, markup=False)


@voices.command()
def export(
    context: typer.Context,
    voice: VoiceArgument,
    version: Annotated[int | None, typer.Option(min=1, help="default: the one that speaks")] = None,
    to: Annotated[Path, typer.Option("--to", "-o", help="a folder")] = Path(),
) -> None:
    """Write a version as an archive, to import it elsewhere."""
    with client_of(context) as client:
        found = client.voice(voice)
        number = version or found.current
        to.mkdir(parents=True, exist_ok=True)
        saved = client.export_voice(voice, to / f"{found.name}-{number}.zip", version=number)
    out.print(str(saved), markup=False)


def _spoken(text: str, language: str, base: str | None) -> dict[str, Any]:
    return {"reference_text": text, "reference_language": language, "base_model": base}


def _say(voice: VoiceAnswer, *, as_json: bool = False) -> None:
    if as_json:
        print_json(voice)
        return
    out.print(f"{voice.name} speaks with version {voice.current}.", markup=False)
    if not voice.consent:
        err.print("Nobody has said who agreed to this voice (--consent).", style="yellow")
