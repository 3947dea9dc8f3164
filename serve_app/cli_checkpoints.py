"""The part of `gsv` for looking at trainings: which checkpoints there are, which are the voice."""

from __future__ import annotations

import typer
from rich.markup import escape
from rich.table import Column, Table

from serve_app.checkpoint_schemas import CheckpointRow, TrainingRow
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
    names = sorted({name for row in training.checkpoints for name in _numbers(row)})
    table = Table(
        "", "rank", "epoch", "step", "score", *names, "size", Column("file", no_wrap=True), box=None
    )
    for row in training.checkpoints:
        known = _numbers(row)
        numbers = [f"{known[name]:.4g}" if name in known else "" for name in names]
        score = "" if row.score is None else f"{row.score:.4g}"
        rank = "" if row.rank is None else str(row.rank)
        size = f"{row.size / 1e6:.1f} MB" if row.kept else "deleted"
        mark = "→" if row.chosen else ""
        place = (mark, rank, str(row.epoch), str(row.step))
        table.add_row(*place, score, *numbers, size, escape(row.file))
    out.print(table)
    for sentence in (training.reason, training.warning):
        if sentence:
            out.print(sentence, markup=False)
    for row in training.checkpoints:
        if row.problem:
            out.print(f"Epoch {row.epoch} cannot be the voice: {row.problem}", markup=False)
        if row.chosen:
            for sample in row.samples:
                out.print(f"Epoch {row.epoch} says {sample.text!r}: {sample.url}", markup=False)
    out.print()


def _numbers(row: CheckpointRow) -> dict[str, float]:
    """Those of its clips and those of who listened to it."""
    return {**row.validation, **row.judged}
