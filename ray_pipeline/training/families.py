"""Which trainings the networks of a base have: one row a family of bases.

A new family brings its own folder beside `gpt/` and `sovits/`, a row here and its name in
`core.pretrained_bases`; the steps and everything else in `training/` stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ray_pipeline.core.options import TrainOptions
from ray_pipeline.core.pretrained_bases import BaseFamily, PretrainedBase, base_model
from ray_pipeline.core.step_context import StepContext
from ray_pipeline.core.step_names import StepName
from ray_pipeline.training.gpt.plan import plan_gpt
from ray_pipeline.training.mini.plan import plan_durations, plan_synthesizer
from ray_pipeline.training.plan import TrainingPlan
from ray_pipeline.training.sovits.plan import plan_sovits

Planner = Callable[[StepContext, TrainOptions, PretrainedBase], TrainingPlan]


@dataclass(frozen=True, kw_only=True)
class FamilyTrainings:
    """`first` is from text to what is said when, which the step train_gpt trains; `second` from
    there to sound, which train_sovits trains."""

    first: Planner
    second: Planner


FAMILIES: Mapping[BaseFamily, FamilyTrainings] = {
    "gpt_sovits": FamilyTrainings(first=plan_gpt, second=plan_sovits),
    "mini": FamilyTrainings(first=plan_durations, second=plan_synthesizer),
}


def plan_training(context: StepContext, options: TrainOptions, step: StepName) -> TrainingPlan:
    """What the step trains for the base of the task."""
    base = base_model(context.config.base_model)
    family = FAMILIES[base.family]
    planner = family.first if step is StepName.TRAIN_GPT else family.second
    return planner(context, options, base)
