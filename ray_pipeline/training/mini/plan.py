"""From a task to the two trainings of a voice of mini."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ray_pipeline.core.options import TrainOptions
from ray_pipeline.core.pretrained_bases import PretrainedBase
from ray_pipeline.core.step_context import StepContext
from ray_pipeline.core.step_names import StepName
from ray_pipeline.training.experiment_files import DroppedClip
from ray_pipeline.training.held_out import hold_out
from ray_pipeline.training.mini.items import find_mini_items
from ray_pipeline.training.mini.recipe import FINE_TUNING, MIN_EPOCH_STEPS, StageRecipe
from ray_pipeline.training.mini.samples import say_again
from ray_pipeline.training.mini.settings import DurationSettings, SynthesizerSettings
from ray_pipeline.training.mini.trainer import train_durations, train_synthesizer
from ray_pipeline.training.plan import TrainingPlan, require_clips
from ray_pipeline.training.settings import most_clips

_RESTS_ON = (
    StepName.EXTRACT_TEXT_FEATURES,
    StepName.EXTRACT_AUDIO_FEATURES,
    StepName.EXTRACT_SEMANTIC_FEATURES,
)


def plan_durations(
    context: StepContext, options: TrainOptions, base: PretrainedBase
) -> TrainingPlan:
    """Stage 1. Raises StepNotReady without features, NothingUsable without clips."""
    common, dropped = _common(
        context, options, [FINE_TUNING.durations], options.epochs or context.config.epochs_s1
    )
    settings = DurationSettings.for_task(
        context,
        options,
        base,
        config_path=context.workspace.gpt_config_path,
        weights_folder=context.workspace.gpt_weights(base.version),
        checkpoint_links=context.experiment.gpt_checkpoints(base.version),
        curves_folder=context.experiment.gpt_logs(base.version),
        **common,
    )
    return TrainingPlan(
        train=train_durations,
        settings=settings,
        rests_on=_RESTS_ON,
        dropped=dropped,
        warnings=_without_meaning(options),
    )


def plan_synthesizer(
    context: StepContext, options: TrainOptions, base: PretrainedBase
) -> TrainingPlan:
    """Stage 2. Raises StepNotReady without features, NothingUsable without clips."""
    common, dropped = _common(
        context,
        options,
        [FINE_TUNING.acoustic, FINE_TUNING.vocoder],
        options.epochs or context.config.epochs_s2,
    )
    settings = SynthesizerSettings.for_task(
        context,
        options,
        base,
        config_path=context.workspace.sovits_config_path,
        weights_folder=context.workspace.sovits_weights(base.version),
        checkpoint_links=context.experiment.sovits_logs(base.version),
        curves_folder=context.experiment.sovits_logs(base.version),
        **common,
    )
    return TrainingPlan(
        train=train_synthesizer,
        say_again=say_again,
        settings=settings,
        rests_on=_RESTS_ON,
        dropped=dropped,
        warnings=_without_meaning(options),
    )


_OF_OTHER_NETWORKS = {
    "text_low_lr_rate": "it has no such text encoder",
    "if_dpo": "it has no GPT",
    "start_from": "its voices all start from its base",
    "micro_batch_size": "its batches fit into any memory",
    "if_grad_ckpt": "its batches fit into any memory",
}


def _without_meaning(options: TrainOptions) -> list[str]:
    """What was asked for and cannot be done."""
    defaults = type(options)()
    return [
        f"{name} has no meaning for mini: {why}."
        for name, why in _OF_OTHER_NETWORKS.items()
        if getattr(options, name, None) != getattr(defaults, name, None)
    ]


def _common(
    context: StepContext, options: TrainOptions, recipes: Sequence[StageRecipe], epochs: int
) -> tuple[dict[str, Any], list[DroppedClip]]:
    """The fields that both stages have in common, and the clips that are left out."""
    items, dropped = find_mini_items(context.experiment)
    require_clips([item.name for item in items], dropped, 1)
    used, held_out = hold_out(items, context.config, options)
    batch_size = min(most_clips(context.config, options), recipes[0].batch_size)
    total = sum(recipe.schedule.steps for recipe in recipes)
    share = min(1.0, (options.max_steps or total) / total)
    parts = [_adapted(recipe, batch_size, share) for recipe in recipes]
    total = min(total, options.max_steps or total)
    fields: dict[str, Any] = {
        "epochs": epochs,
        "batch_size": batch_size,
        "recipes": tuple(parts),
        "epoch_steps": min(max(math.ceil(total / epochs), MIN_EPOCH_STEPS), total),
        "total_steps": total,
        "items": tuple(used),
        "held_out": tuple(held_out),
        "language": context.config.language,
    }
    return fields, dropped


def _adapted(recipe: StageRecipe, batch_size: int, share: float) -> StageRecipe:
    """With the `share` of its steps that `max_steps` leaves; its schedule keeps its shape."""
    steps = max(1, round(recipe.schedule.steps * share))
    return replace(recipe, batch_size=batch_size, schedule=replace(recipe.schedule, steps=steps))
