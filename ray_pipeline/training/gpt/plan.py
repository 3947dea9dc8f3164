"""From a task to the GPT training of its voice."""

from __future__ import annotations

from dataclasses import replace

from ray_pipeline.core.options import TrainGptOptions, TrainOptions
from ray_pipeline.core.pretrained_bases import PretrainedBase
from ray_pipeline.core.step_context import StepContext
from ray_pipeline.core.step_names import StepName
from ray_pipeline.models.gpt.config import GPT_CONFIGS
from ray_pipeline.text.symbols import symbol_table
from ray_pipeline.training.experiment_files import repeat_short_list
from ray_pipeline.training.gpt.data import find_gpt_items
from ray_pipeline.training.gpt.recipe import gpt_recipe
from ray_pipeline.training.gpt.settings import GptSettings
from ray_pipeline.training.gpt.trainer import train_gpt
from ray_pipeline.training.held_out import hold_out
from ray_pipeline.training.plan import TrainingPlan, pretrained_files, require_clips, start_of
from ray_pipeline.training.settings import most_clips

_RESTS_ON = (StepName.EXTRACT_TEXT_FEATURES, StepName.EXTRACT_SEMANTIC_FEATURES)


def plan_gpt(context: StepContext, options: TrainOptions, base: PretrainedBase) -> TrainingPlan:
    """Raises StepNotReady without features, NothingUsable without clips."""
    assert isinstance(options, TrainGptOptions)
    config, workspace, version = context.config, context.workspace, base.version
    model, recipe = GPT_CONFIGS[version], gpt_recipe(version)
    # The original knows no bfloat16.
    recipe = replace(recipe, preference=options.if_dpo, bfloat16=not config.strict_compat)
    items, dropped = find_gpt_items(
        context.experiment, symbol_table(base.symbols), max_seconds=model.max_seconds
    )
    require_clips([item.name for item in items], dropped, 1)
    items, held_out = hold_out(items, config, options)
    if not recipe.own_shares:
        items = repeat_short_list(items)
    pretrained = pretrained_files(context, base, base.gpt)
    start, warnings = start_of(context, options, base)
    settings = GptSettings.for_task(
        context,
        options,
        base,
        epochs=options.epochs or config.epochs_s1,
        batch_size=recipe.batch_size(most_clips(config, options), len(items)),
        config_path=workspace.gpt_config_path,
        weights_folder=workspace.gpt_weights(version),
        checkpoint_links=context.experiment.gpt_checkpoints(version),
        curves_folder=context.experiment.gpt_logs(version),
        model=model,
        recipe=recipe,
        items=tuple(items),
        held_out=tuple(held_out),
        pretrained=pretrained[0] if pretrained else None,
        start=start,
    )
    return TrainingPlan(
        train=train_gpt, settings=settings, rests_on=_RESTS_ON, dropped=dropped, warnings=warnings
    )
