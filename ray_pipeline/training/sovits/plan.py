"""From a task to the SoVITS training of its voice."""

from __future__ import annotations

from ray_pipeline.core.options import TrainOptions, TrainSovitsOptions
from ray_pipeline.core.pretrained_bases import PretrainedBase
from ray_pipeline.core.step_context import StepContext
from ray_pipeline.core.step_names import StepName
from ray_pipeline.models.sovits.config import SOVITS_CONFIGS
from ray_pipeline.text.symbols import symbol_table
from ray_pipeline.training.experiment_files import repeat_short_list
from ray_pipeline.training.held_out import hold_out
from ray_pipeline.training.plan import TrainingPlan, pretrained_files, require_clips, start_of
from ray_pipeline.training.settings import most_clips
from ray_pipeline.training.sovits.data import find_sovits_items
from ray_pipeline.training.sovits.recipe import sovits_recipe
from ray_pipeline.training.sovits.sampler import BOUNDARIES_FRAMES
from ray_pipeline.training.sovits.samples import say_again
from ray_pipeline.training.sovits.settings import SovitsSettings
from ray_pipeline.training.sovits.trainer import train_sovits

_RESTS_ON = (
    StepName.EXTRACT_TEXT_FEATURES,
    StepName.EXTRACT_AUDIO_FEATURES,
    StepName.EXTRACT_SPEAKER_VECTORS,
    StepName.EXTRACT_SEMANTIC_FEATURES,
)


def plan_sovits(context: StepContext, options: TrainOptions, base: PretrainedBase) -> TrainingPlan:
    """Raises StepNotReady without features, NothingUsable with too few clips."""
    assert isinstance(options, TrainSovitsOptions)
    config, workspace, version = context.config, context.workspace, base.version
    recipe = sovits_recipe(version)
    shortest = max(BOUNDARIES_FRAMES[0], recipe.longest_segment_frames)
    items, dropped = find_sovits_items(
        context.experiment,
        symbol_table(base.symbols),
        with_speaker=base.speaker_dim is not None,
        frames=(shortest, BOUNDARIES_FRAMES[-1]),
    )
    least = 1 if recipe.own_shares else 2
    require_clips([item.name for item in items], dropped, least)
    items, held_out = hold_out(items, config, options, least=least)
    if not recipe.own_shares:
        # The original counts the clips that have all their files, before it looks at any.
        listed = len(items) + sum(clip.facts["reason"] != "missing_features" for clip in dropped)
        items = repeat_short_list(items, listed=listed)
    pretrained = pretrained_files(context, base, base.generator, base.discriminator)
    start, warnings = start_of(context, options, base)
    settings = SovitsSettings.for_task(
        context,
        options,
        base,
        epochs=options.epochs or config.epochs_s2,
        batch_size=recipe.batch_size(most_clips(config, options)),
        config_path=workspace.sovits_config_path,
        weights_folder=workspace.sovits_weights(version),
        checkpoint_links=context.experiment.sovits_logs(version),
        curves_folder=context.experiment.sovits_logs(version),
        model=SOVITS_CONFIGS[version],
        recipe=recipe,
        items=tuple(items),
        held_out=tuple(held_out),
        text_rate=options.text_low_lr_rate if recipe.slow_text else 1.0,
        pretrained=(pretrained[0], pretrained[1]) if pretrained else None,
        start=start,
        codebook=None if pretrained else context.experiment.codebook,
    )
    if not recipe.slow_text and options.text_low_lr_rate != TrainSovitsOptions().text_low_lr_rate:
        warnings.append(
            f"text_low_lr_rate has no meaning for {version}: its text encoder is not pretrained."
        )
    return TrainingPlan(
        train=train_sovits,
        say_again=say_again,
        settings=settings,
        rests_on=_RESTS_ON,
        dropped=dropped,
        warnings=warnings,
    )
