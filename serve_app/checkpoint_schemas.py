"""The leaderboard of a task's trainings on the wire."""

from __future__ import annotations

from typing import Self
from urllib.parse import quote

from ray_pipeline.core.selection import Checkpoint, Sample, comparable, ranking
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.training_table import TrainingTable
from ray_pipeline.core.trainings import TRAINING_STEPS, Trainings
from serve_app.schemas import Answer

_DOWNLOAD = "/api/v1/task/{task_id}/files/download/"


class SampleRow(Answer):
    """A sentence that was said with a checkpoint."""

    url: str
    picture_url: str
    text: str
    language: str
    heard: str | None

    @classmethod
    def of(cls, sample: Sample, download: str) -> Self:
        return cls(
            url=download + quote(sample.file),
            picture_url=download + quote(sample.picture),
            text=sample.text,
            language=sample.language,
            heard=sample.heard,
        )


class CheckpointRow(Answer):
    """One epoch whose weights were exported."""

    epoch: int
    step: int
    rank: int | None
    score: float | None
    validation: dict[str, float]
    judged: dict[str, float]
    problem: str | None
    samples: list[SampleRow]
    size: int
    kept: bool
    chosen: bool
    file: str

    @classmethod
    def of(
        cls,
        checkpoint: Checkpoint,
        file: str,
        download: str,
        *,
        rank: int | None,
        scored: bool,
        chosen: bool,
    ) -> Self:
        return cls(
            epoch=checkpoint.epoch,
            step=checkpoint.step,
            rank=rank,
            score=checkpoint.score if scored else None,
            validation=dict(checkpoint.validation),
            judged=dict(checkpoint.judged),
            problem=checkpoint.problem or None,
            samples=[SampleRow.of(sample, download) for sample in checkpoint.samples],
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
        download = _DOWNLOAD.format(task_id=trainings.workspace.root.name) + quote(folder) + "/"
        ranks = {c.file: rank for rank, c in enumerate(ranking(table.checkpoints), 1)}
        scored = {c.file for _, c in comparable(table.checkpoints)}
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
                    download,
                    rank=ranks.get(checkpoint.file),
                    scored=checkpoint.file in scored,
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
