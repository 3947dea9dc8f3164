"""`gsv speak`: a kept voice says a text."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Annotated

import typer

from ray_pipeline.core.errors import BackendMissing, InvalidInput
from serve_app.cli_common import assignments, client_of, err, out
from serve_app.client import Client
from serve_app.client.speech import format_of

# Each plays a WAV from its standard input.
_PLAYERS = (
    ("ffplay", "-nodisp", "-autoexit", "-loglevel", "error", "-i", "-"),
    ("paplay",),
    ("aplay", "-q", "-"),
    ("play", "-q", "-t", "wav", "-"),
)


def add_commands(app: typer.Typer) -> None:
    app.command()(speak)


def speak(
    context: typer.Context,
    voice: Annotated[str, typer.Argument(help="its name, name@version, or an alias")],
    text: Annotated[str, typer.Argument(help="what it says")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", dir_okay=False, help="a .wav, .mp3, .opus, .aac or .flac"),
    ] = None,
    play: Annotated[bool, typer.Option("--play", help="let it be heard as it is made")] = False,
    fields: Annotated[
        list[str] | None,
        typer.Option("--set", "-s", metavar="FIELD=VALUE", help="such as seed=1; repeatable"),
    ] = None,
) -> None:
    """Say a text with a kept voice, into a file or aloud."""
    if play == (output is not None):
        raise InvalidInput("Where to?", hint="Give either -o FILE or --play.")
    options = assignments(fields or [])
    with client_of(context) as client:
        if output is None:
            _play(client, voice, text, options)
            return
        try:
            format_of(output)
        except ValueError as error:
            raise InvalidInput(f"{error}.") from None
        facts = client.speak(voice, text, output, **options)
    out.print(str(output))
    for problem in facts["problems"]:
        err.print(problem, style="yellow", markup=False)
    said = f"{facts['voice']}, {facts['seconds']:.1f} s, seed {facts['seed']}"
    err.print(said, markup=False)


def _play(client: Client, voice: str, text: str, options: dict[str, object]) -> None:
    player = next((command for command in _PLAYERS if shutil.which(command[0])), None)
    if player is None:
        raise BackendMissing(
            "There is no program here that plays sound.",
            hint=f"Install one of {', '.join(each[0] for each in _PLAYERS)}, or write to a file "
            "with -o.",
        )
    sounds = client.speak_stream(voice, text, **{**options, "response_format": "wav"})
    with subprocess.Popen(player, stdin=subprocess.PIPE) as playing:
        assert playing.stdin is not None
        for sound in sounds:
            playing.stdin.write(sound)
            playing.stdin.flush()
        playing.stdin.close()
