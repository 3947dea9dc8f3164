"""What the commands share: the service they speak to, where they write, how they name a task."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from serve_app.client import Client

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

TaskArgument = Annotated[str, typer.Argument(metavar="TASK", help="the task's id")]


def client_of(context: typer.Context) -> Client:
    """The client that the options --url and --api-key name."""
    client: Client = context.find_root().obj()
    return client
