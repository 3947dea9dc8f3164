"""The part of `gsv` for looking at trainings: which checkpoints there are, which are the voice."""

from __future__ import annotations

import typer
from rich.markup import escape
from rich.table import Column, Table

from serve_app.checkpoint_schemas import TrainingRow
from serve_app.cli_common import JsonOption, TaskArgument, client_of, err, out, print_json


def add_commands(app: typer.Typer) -> None:
    app.command()(checkpoints)


def checkpoints(context: typer.Context, task: TaskArgument, as_json: JsonOption = False) -> None:
    """Each epoch of the trainings with its numbers, which one is chosen, and why."""
    with client_of(context) as client:
        found = client.checkpoints(task)
    if as_json:
        print_json(found)
        return
    if not found.trainings:
        err.print("The task has not been trained yet.")
        raise typer.Exit(1)
    for training in found.trainings:
        _print_training(training)
    for name in ("gpt_model", "sovits_model"):
        out.print(f"{name}: {getattr(found, name) or 'none yet'}", markup=False)


def _print_training(training: TrainingRow) -> None:
    state = "is the voice" if training.is_voice else "is not the voice"
    if not training.finished:
        state += ", not finished"
    out.print(f"{training.step.value} {training.run}: {state}", markup=False)
    names = sorted({name for row in training.checkpoints for name in row.validation})
    table = Table("", "epoch", "step", *names, "size", Column("file", no_wrap=True), box=None)
    for row in training.checkpoints:
        numbers = [
            f"{row.validation[name]:.4g}" if name in row.validation else "" for name in names
        ]
        size = f"{row.size / 1e6:.1f} MB" if row.kept else "deleted"
        mark = "→" if row.chosen else ""
        table.add_row(mark, str(row.epoch), str(row.step), *numbers, size, escape(row.file))
    out.print(table)
    for sentence in (training.reason, training.warning):
        if sentence:
            out.print(sentence, markup=False)
    out.print()
