"""The trainings of a task: the folder and the table of each, and which pair is the voice.

    .trainings/<step>/<run>/checkpoints.json   a training: its checkpoints, what it learned from
    .trainings/<step>/<run>/<file>             its exports
    .trainings/<step>/<run>/samples/           what was said with them, to judge them by
    published.json                             the training of each step that is the voice
    GPT_weights*/, SoVITS_weights*/            the exports of these, under the names they have
                                               in the original

A training writes into its own folder only. When it is complete it is published, if the voice is
no worse with it: a training that was cancelled, or that waits for its partner, changes nothing.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from ray_pipeline.core.selection import compared, is_worse
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.training_table import TrainingTable
from ray_pipeline.core.workspace import Workspace, atomic_path, atomic_write

TRAINING_STEPS = (StepName.TRAIN_SOVITS, StepName.TRAIN_GPT)


@dataclass(frozen=True)
class Trainings:
    """Those of one task."""

    workspace: Workspace

    def folder(self, step: StepName, run: str) -> Path:
        return self.workspace.trainings / step.value / run

    def table(self, step: StepName, run: str) -> TrainingTable | None:
        return TrainingTable.load(self.folder(step, run))

    def tables(self, step: StepName) -> list[TrainingTable]:
        """Of all its runs there are, the newest last."""
        folder = self.workspace.trainings / step.value
        found = [TrainingTable.load(path) for path in (folder.iterdir() if folder.is_dir() else ())]
        return sorted((t for t in found if t is not None), key=lambda table: _number(table.run))

    def published(self) -> dict[StepName, str]:
        """The run of each step that the voice is made of."""
        return _steps(self._state(), "published")

    def published_table(self, step: StepName) -> TrainingTable | None:
        run = self.published().get(step)
        return None if run is None else self.table(step, run)

    def chosen_file(self, step: StepName) -> Path | None:
        """The weights of the voice: under the name that is shown, where that is the same file."""
        table = self.published_table(step)
        choice = table.choice if table else None
        if table is None or choice is None:
            return None
        own = self.folder(step, table.run) / choice.checkpoint.file
        shown = self.workspace.root / table.shown_in / choice.checkpoint.file
        return shown if _is_the_same(own, shown) else own

    def chosen_partner(self, step: StepName, inputs: str) -> Path | None:
        """The chosen weights of a complete training of `step` that learned from these features:
        of the voice, or else the newest. None where there are none any more."""
        published = self.published_table(step)
        tables = [*self.tables(step), *([published] if published else [])]
        fitting = [table for table in tables if table.finished and table.inputs == inputs]
        choice = fitting[-1].choice if fitting else None
        if choice is None:
            return None
        path = self.folder(step, fitting[-1].run) / choice.checkpoint.file
        return path if path.is_file() else None

    def offer(self, table: TrainingTable) -> list[str]:
        """A complete training becomes the voice, or a part of it, unless the voice would be worse
        or of two kinds of features. Returns what the user should know if it does not."""
        state = self._state()
        published, waiting = _steps(state, "published"), _steps(state, "waiting")
        [partner_step] = set(TRAINING_STEPS) - {table.step}
        waiting.pop(table.step, None)
        ours, partner = self.published_table(table.step), self.published_table(partner_step)
        remarks: list[str] = []
        is_whole = (ours is not None and partner is not None) or self._is_of_an_older_program(state)
        if not is_whole or (partner is not None and partner.inputs == table.inputs):
            if ours is not None and self._would_be_worse(table, ours):
                remarks = [_worse(table, ours)]
            else:
                published[table.step] = table.run
        else:
            other = self.table(partner_step, waiting.get(partner_step, ""))
            if other is not None and other.inputs == table.inputs:
                published |= {table.step: table.run, partner_step: other.run}
                waiting.clear()
            else:
                waiting[table.step] = table.run
                remarks = [_waits(partner_step)]
        self._write(published, waiting)
        self.show()
        return remarks

    def show(self) -> None:
        """Let the folders of weights have the exports of what is published, and no others."""
        for step in TRAINING_STEPS:
            table = self.published_table(step)
            if table is None:
                continue
            shown = self.workspace.root / table.shown_in
            kept = {checkpoint.file for checkpoint in table.checkpoints if checkpoint.kept}
            for name in sorted(kept):
                link_or_copy(self.folder(step, table.run) / name, shown / name)
            for path in shown.glob(table.pattern):
                if path.name not in kept:
                    path.unlink(missing_ok=True)

    def remove_others(self, step: StepName, run: str) -> None:
        """Those that are neither `run` nor part of the voice, nor wait to be."""
        state = self._state()
        spared = {run, _steps(state, "published").get(step), _steps(state, "waiting").get(step)}
        folder = self.workspace.trainings / step.value
        for path in folder.iterdir() if folder.is_dir() else ():
            if path.name not in spared:
                shutil.rmtree(path, ignore_errors=True)

    def _is_of_an_older_program(self, state: dict[str, dict[str, str]]) -> bool:
        """Whether there is a whole voice that nobody has written down."""
        shown = (self.workspace.root.glob(f"{kind}_weights*/*") for kind in ("GPT", "SoVITS"))
        return not state.get("published") and all(any(True for _ in files) for files in shown)

    def _would_be_worse(self, table: TrainingTable, ours: TrainingTable) -> bool:
        """Only what was judged by the same clips can be compared."""
        new, old = table.choice, ours.choice
        comparable = (table.inputs, table.held_out) == (ours.inputs, ours.held_out)
        if not comparable or new is None or old is None or table.run == ours.run:
            return False
        return is_worse(new.checkpoint, old.checkpoint)

    def _state(self) -> dict[str, dict[str, str]]:
        try:
            state: dict[str, dict[str, str]] = json.loads(
                self.workspace.published_path.read_text("utf-8")
            )
        except (FileNotFoundError, json.JSONDecodeError):
            return {}
        return state

    def _write(self, published: dict[StepName, str], waiting: dict[StepName, str]) -> None:
        state = {"published": published, "waiting": waiting}
        atomic_write(self.workspace.published_path, json.dumps(state), durable=True)


def _steps(state: dict[str, dict[str, str]], key: str) -> dict[StepName, str]:
    return {StepName(step): run for step, run in state.get(key, {}).items()}


def _number(run: str) -> tuple[int, str]:
    """Names of runs end in the number of the run."""
    number = run.rpartition("-")[2]
    return (int(number) if number.isdigit() else 0, run)


def _is_the_same(own: Path, shown: Path) -> bool:
    if not (own.is_file() and shown.is_file()):
        return False
    one, other = own.stat(), shown.stat()
    same_copy = (one.st_size, one.st_mtime_ns) == (other.st_size, other.st_mtime_ns)
    return os.path.samestat(one, other) or same_copy


def link_or_copy(own: Path, shown: Path) -> None:
    """A second name for the same bytes; where the file system has no such thing, a copy."""
    if _is_the_same(own, shown):
        return
    with atomic_path(shown) as partial:
        try:
            os.link(own, partial)
        except OSError:
            shutil.copy2(own, partial)


def _worse(table: TrainingTable, ours: TrainingTable) -> str:
    new, old = table.choice, ours.choice
    assert new is not None
    assert old is not None
    score, kept = compared(new.checkpoint, old.checkpoint) or (0.0, 0.0)
    return (
        f"The voice keeps its {table.step.value} of before: it scores {kept:.4g}, this training "
        f"{score:.4g} (less is better)."
    )


def _waits(partner: StepName) -> str:
    return (
        f"The voice stays as it was until {partner.value} has learned from the same features; "
        "then both are taken together."
    )
