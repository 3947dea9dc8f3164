"""Step 9. Needs the four kinds of features. Makes SoVITS_weights*/, logs_s2_*/, config_s2.json.

An interrupted training goes on from its last checkpoint. The same data and options as a
finished one: nothing is done, unless forced. Other data or options: a new training.
"""

from __future__ import annotations

import json

from ray_pipeline.core.options import TrainSovitsOptions
from ray_pipeline.core.pretrained_bases import PretrainedBase, base_model
from ray_pipeline.core.step_context import Result, StepContext
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.workspace import atomic_write
from ray_pipeline.models.sovits.config import SOVITS_CONFIGS
from ray_pipeline.text.symbols import symbol_table
from ray_pipeline.training.checkpoints import link_checkpoints
from ray_pipeline.training.configs import ConfigFacts, sovits_file_config
from ray_pipeline.training.experiment_files import repeat_short_list
from ray_pipeline.training.recipes import sovits_recipe
from ray_pipeline.training.run import (
    TrainingJob,
    finished_before,
    job_key,
    pretrained_files,
    record,
    require_clips,
    run_training,
    share_out,
)
from ray_pipeline.training.sovits.data import SovitsItem, find_sovits_items
from ray_pipeline.training.sovits.loop import CHECKPOINT_PATTERNS, train_sovits
from ray_pipeline.training.sovits.sampler import BOUNDARIES_FRAMES
from ray_pipeline.training.sovits.setup import SovitsSettings

_RESTS_ON = (
    StepName.EXTRACT_TEXT_FEATURES,
    StepName.EXTRACT_AUDIO_FEATURES,
    StepName.EXTRACT_SPEAKER_VECTORS,
    StepName.EXTRACT_SEMANTIC_FEATURES,
)


def run(context: StepContext, options: TrainSovitsOptions) -> Result:
    """Raises StepNotReady without features, NothingUsable with too few clips, BadModelFile for
    damaged files of the base model, StepFailed when workers fail for the third time."""
    base = base_model(context.config.base_model)
    settings, job = _plan(context, options, base)
    done = finished_before(context, options, job)
    if done is not None:
        return done
    config_text = json.dumps(settings.file_config, ensure_ascii=False, indent=2)
    atomic_write(context.workspace.sovits_config_path, config_text)
    outcome, run_folder = run_training(context, options, job, train_sovits, settings)
    link_checkpoints(run_folder, settings.checkpoint_links, CHECKPOINT_PATTERNS)
    return record(context, options, job, outcome)


def _plan(
    context: StepContext, options: TrainSovitsOptions, base: PretrainedBase
) -> tuple[SovitsSettings, TrainingJob]:
    recipe = sovits_recipe(base.version)
    shortest = max(BOUNDARIES_FRAMES[0], recipe.longest_segment_frames)
    items, dropped = find_sovits_items(
        context.experiment,
        symbol_table(base.symbols),
        with_speaker=base.speaker_dim is not None,
        frames=(shortest, BOUNDARIES_FRAMES[-1]),
    )
    require_clips([item.name for item in items], dropped, 1 if recipe.own_shares else 2)
    used, held_out = share_out(context, items, own_shares=recipe.own_shares)
    settings = _settings(
        context,
        options,
        base,
        used if recipe.own_shares else repeat_short_list(used),
        held_out,
    )
    job = TrainingJob(
        key=job_key(
            context, options, _RESTS_ON, epochs=settings.epochs, batch_size=settings.batch_size
        ),
        epochs=settings.epochs,
        batch_size=settings.batch_size,
        used=[item.name for item in used],
        held_out=sorted(item.name for item in held_out),
        dropped=dropped,
        weights_folder=settings.weights_folder,
        weights_pattern=f"{settings.voice}_e*_s*.pth",
    )
    return settings, job


def _settings(
    context: StepContext,
    options: TrainSovitsOptions,
    base: PretrainedBase,
    items: list[SovitsItem],
    held_out: list[SovitsItem],
) -> SovitsSettings:
    config, workspace = context.config, context.workspace
    model, recipe = SOVITS_CONFIGS[base.version], sovits_recipe(base.version)
    batch_size = options.batch_size or config.batch_size
    if recipe.max_batch_size is not None:
        batch_size = min(batch_size, recipe.max_batch_size)
    pretrained = pretrained_files(context, base, base.generator, base.discriminator)
    facts = ConfigFacts(
        voice=config.exp_name,
        experiment=context.experiment,
        task_folder=workspace.root,
        weights_folder=workspace.relative(workspace.sovits_weights(base.version)),
        epochs=options.epochs or config.epochs_s2,
        batch_size=batch_size,
        seed=config.seed,
        gpu_numbers=config.gpu_id,
        save_every_epochs=options.save_every_epochs,
        half_precision=recipe.half_precision and context.cluster.gpus >= 1,
        pretrained=tuple(path.name for path in pretrained),
    )
    text_rate = options.text_low_lr_rate if recipe.slow_text else 1.0
    return SovitsSettings(
        experiment=context.experiment,
        model=model,
        recipe=recipe,
        items=tuple(items),
        held_out=tuple(held_out),
        batch_size=batch_size,
        epochs=facts.epochs,
        max_steps=options.max_steps,
        text_rate=text_rate,
        seed=config.seed,
        pretrained=(pretrained[0], pretrained[1]) if pretrained else None,
        codebook=None if pretrained else context.experiment.codebook,
        voice=config.exp_name,
        weights_folder=workspace.sovits_weights(base.version),
        checkpoint_links=context.experiment.sovits_logs(base.version),
        save_every_epochs=options.save_every_epochs,
        keep_exports=options.keep_exports,
        file_config=sovits_file_config(facts, model, recipe, text_rate=text_rate),
        progress=context.progress,
    )
