"""What the commands share: the service they speak to, how they write, how they name a task."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

import typer
from rich.console import Console, ConsoleDimensions

from ray_pipeline.core.errors import InvalidInput
from serve_app.client import Client


class Output(Console):
    """A console that breaks lines for people only: in a pipe or a file, a row of a table is a
    line and a name stays in one piece."""

    @property  # type: ignore[misc]  # it could be set; nobody does
    def size(self) -> ConsoleDimensions:
        return super().size if self.is_terminal else ConsoleDimensions(10_000, 25)


out = Output(highlight=False)
err = Output(stderr=True, highlight=False)

TaskArgument = Annotated[str, typer.Argument(metavar="TASK", help="the task's id")]
JsonOption = Annotated[bool, typer.Option("--json", help="as JSON, for programs")]


def client_of(context: typer.Context) -> Client:
    """The client that the options --url and --api-key name."""
    client: Client = context.find_root().obj()
    return client


def print_json(found: Any) -> None:
    """`found`: an answer of the service, or several, or plain data."""
    sys.stdout.write(json.dumps(_plain(found), ensure_ascii=False, indent=2) + "\n")


def print_json_line(found: Any) -> None:
    """One a line, seen at once by who reads the pipe."""
    sys.stdout.write(json.dumps(_plain(found), ensure_ascii=False) + "\n")
    sys.stdout.flush()


def _plain(found: Any) -> Any:
    if isinstance(found, list):
        return [_plain(item) for item in found]
    return found.model_dump(mode="json") if hasattr(found, "model_dump") else found


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
