"""The leaderboard of a task's trainings on the wire."""

from __future__ import annotations

from typing import Self

from ray_pipeline.core.selection import Checkpoint
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.trainings import TRAINING_STEPS, Trainings, TrainingTable
from serve_app.schemas import Answer


class CheckpointRow(Answer):
    """One epoch whose weights were exported."""

    epoch: int
    step: int
    score: float | None
    validation: dict[str, float]
    size: int
    kept: bool
    chosen: bool
    file: str

    @classmethod
    def of(cls, checkpoint: Checkpoint, file: str, *, chosen: bool) -> Self:
        return cls(
            epoch=checkpoint.epoch,
            step=checkpoint.step,
            score=checkpoint.score,
            validation=dict(checkpoint.validation),
            size=checkpoint.size,
            kept=checkpoint.kept,
            chosen=chosen,
            file=file,
        )


class TrainingRow(Answer):
    """One training, finished or not, with its checkpoints by epoch."""

    step: StepName
    run: str
    finished: bool
    is_voice: bool
    held_out: list[str]
    reason: str | None
    warning: str | None
    checkpoints: list[CheckpointRow]

    @classmethod
    def of(cls, trainings: Trainings, table: TrainingTable) -> Self:
        choice = table.choice
        is_voice = trainings.published().get(table.step) == table.run
        folder = trainings.workspace.relative(trainings.folder(table.step, table.run))
        return cls(
            step=table.step,
            run=table.run,
            finished=table.finished,
            is_voice=is_voice,
            held_out=list(table.held_out),
            reason=choice.reason if choice else None,
            warning=choice.warning if choice else None,
            checkpoints=[
                CheckpointRow.of(
                    checkpoint,
                    f"{table.shown_in if is_voice else folder}/{checkpoint.file}",
                    chosen=choice is not None and checkpoint == choice.checkpoint,
                )
                for checkpoint in table.checkpoints
            ],
        )


class CheckpointsAnswer(Answer):
    """The trainings of both steps, the newest of each step last."""

    gpt_model: str | None
    sovits_model: str | None
    trainings: list[TrainingRow]

    @classmethod
    def of(cls, trainings: Trainings) -> Self:
        def voice(step: StepName) -> str | None:
            path = trainings.chosen_file(step)
            return None if path is None else trainings.workspace.relative(path)

        return cls(
            gpt_model=voice(StepName.TRAIN_GPT),
            sovits_model=voice(StepName.TRAIN_SOVITS),
            trainings=[
                TrainingRow.of(trainings, table)
                for step in TRAINING_STEPS
                for table in trainings.tables(step)
            ],
        )
