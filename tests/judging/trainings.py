"""Trainings to judge, with exports and no training behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ray_pipeline.core.options import TrainGptOptions, TrainSovitsOptions
from ray_pipeline.core.progress import RecordingProgress
from ray_pipeline.core.selection import Checkpoint
from ray_pipeline.core.step_context import StepContext
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.training_table import TrainingTable
from ray_pipeline.training.families import plan_training
from ray_pipeline.training.plan import TrainingPlan
from ray_pipeline.training.training_step import with_own_folder

GPT, SOVITS = StepName.TRAIN_GPT, StepName.TRAIN_SOVITS


def planned(task: StepContext, step: StepName) -> tuple[StepContext, TrainingPlan]:
    """A new progress, so that each test sees what it is told."""
    context = replace(task, step=step, progress=RecordingProgress())
    options = (TrainGptOptions if step is GPT else TrainSovitsOptions)(held_out_clips=1)
    return context, with_own_folder(context, plan_training(context, options, step), "run-1")


def save_table(plan: TrainingPlan, rows: Sequence[Checkpoint]) -> None:
    settings = plan.settings
    TrainingTable(
        step=settings.step,
        run="run-1",
        inputs=settings.inputs,
        shown_in=settings.shown_weights,
        pattern=settings.export_pattern,
        finished=True,
        checkpoints=tuple(rows),
    ).save(settings.weights_folder)
