"""Step 10. Needs text and semantic features. Makes GPT_weights*/, logs_s1_*/, config_s1.yaml.

An interrupted training goes on from its last checkpoint. The same data and options as a
finished one: nothing is done, unless forced. Other data or options: a new training.
"""

from __future__ import annotations

import yaml

from ray_pipeline.core.options import TrainGptOptions
from ray_pipeline.core.pretrained_bases import PretrainedBase, base_model
from ray_pipeline.core.step_context import Result, StepContext
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.workspace import atomic_write
from ray_pipeline.models.gpt.config import GPT_CONFIGS
from ray_pipeline.text.symbols import symbol_table
from ray_pipeline.training.checkpoints import link_checkpoints
from ray_pipeline.training.configs import ConfigFacts, gpt_file_config
from ray_pipeline.training.experiment_files import repeat_short_list
from ray_pipeline.training.gpt.data import GptItem, find_gpt_items
from ray_pipeline.training.gpt.loop import CHECKPOINT_PATTERNS, GptSettings, train_gpt
from ray_pipeline.training.recipes import GptRecipe, gpt_recipe
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

_RESTS_ON = (StepName.EXTRACT_TEXT_FEATURES, StepName.EXTRACT_SEMANTIC_FEATURES)


def run(context: StepContext, options: TrainGptOptions) -> Result:
    """Raises StepNotReady without features, NothingUsable without clips, BadModelFile for a
    damaged file of the base model, StepFailed when workers fail for the third time."""
    base = base_model(context.config.base_model)
    settings, job = _plan(context, options, base)
    done = finished_before(context, options, job)
    if done is not None:
        return done
    config_text = yaml.safe_dump(settings.file_config, allow_unicode=True, sort_keys=False)
    atomic_write(context.workspace.gpt_config_path, config_text)
    outcome, run_folder = run_training(context, options, job, train_gpt, settings)
    link_checkpoints(run_folder, settings.checkpoint_links, CHECKPOINT_PATTERNS)
    return record(context, options, job, outcome)


def _plan(
    context: StepContext, options: TrainGptOptions, base: PretrainedBase
) -> tuple[GptSettings, TrainingJob]:
    model, recipe = GPT_CONFIGS[base.version], gpt_recipe(base.version)
    items, dropped = find_gpt_items(
        context.experiment, symbol_table(base.symbols), max_seconds=model.max_seconds
    )
    require_clips([item.name for item in items], dropped, 1)
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
        weights_pattern=f"{settings.voice}-e*.ckpt",
    )
    return settings, job


def _settings(
    context: StepContext,
    options: TrainGptOptions,
    base: PretrainedBase,
    items: list[GptItem],
    held_out: list[GptItem],
) -> GptSettings:
    config, workspace = context.config, context.workspace
    model, recipe = GPT_CONFIGS[base.version], gpt_recipe(base.version)
    batch_size = _batch_size(options.batch_size or config.batch_size, len(items), recipe)
    pretrained = pretrained_files(context, base, base.gpt)
    facts = ConfigFacts(
        voice=config.exp_name,
        experiment=context.experiment,
        task_folder=workspace.root,
        weights_folder=workspace.relative(workspace.gpt_weights(base.version)),
        epochs=options.epochs or config.epochs_s1,
        batch_size=batch_size,
        seed=config.seed,
        gpu_numbers=config.gpu_id,
        save_every_epochs=options.save_every_epochs,
        half_precision=recipe.half_precision and context.cluster.gpus >= 1,
        pretrained=tuple(path.name for path in pretrained),
    )
    return GptSettings(
        experiment=context.experiment,
        version=base.version,
        model=model,
        recipe=recipe,
        items=tuple(items),
        held_out=tuple(held_out),
        batch_size=batch_size,
        epochs=facts.epochs,
        max_steps=options.max_steps,
        seed=config.seed,
        pretrained=pretrained[0] if pretrained else None,
        voice=config.exp_name,
        weights_folder=workspace.gpt_weights(base.version),
        checkpoint_links=context.experiment.gpt_checkpoints(base.version),
        curves_folder=context.experiment.gpt_logs(base.version),
        save_every_epochs=options.save_every_epochs,
        keep_exports=options.keep_exports,
        file_config=gpt_file_config(facts, model, recipe),
        progress=context.progress,
    )


def _batch_size(wanted: int, num_items: int, recipe: GptRecipe) -> int:
    """nano's recipe sets an upper limit; the original's leaves at least four batches an epoch."""
    if recipe.max_batch_size is not None:
        return min(wanted, recipe.max_batch_size)
    return max(min(wanted, num_items // 4), 1)
