"""What a training that has ended leaves: the voice, the manifest of its step, and what is said of
it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ray_pipeline.core.manifest import ClipEntry, Manifest
from ray_pipeline.core.option_types import AUTO
from ray_pipeline.core.options import TrainGptOptions, TrainOptions
from ray_pipeline.core.step_context import Result, StepContext
from ray_pipeline.core.training_table import TrainingTable
from ray_pipeline.core.trainings import Trainings
from ray_pipeline.training.experiment_files import DroppedClip, Objection
from ray_pipeline.training.healing import Care
from ray_pipeline.training.plan import TrainingPlan
from ray_pipeline.training.settings import asked_batch_size

if TYPE_CHECKING:
    from ray_pipeline.training.reports import TrainingHistory


def record(
    context: StepContext,
    options: TrainOptions,
    plan: TrainingPlan,
    key: str,
    history: TrainingHistory,
    care: Care | None = None,
) -> Result:
    """Make it the voice unless the voice would be worse, write the manifest, and say what was
    reached and chosen."""
    workspace, settings = context.workspace, plan.settings
    table = TrainingTable.load(settings.weights_folder)
    choice = table.choice if table else None
    assert table is not None
    assert choice is not None  # the last epoch is always exported and kept
    remarks = Trainings(workspace).offer(table)
    own = settings.weights_folder / choice.checkpoint.file
    shown = (settings.shown_in or settings.weights_folder) / own.name
    is_voice = Trainings(workspace).published().get(context.step) == table.run
    last, care = history.last, care or Care()
    dropped = [*plan.dropped, *map(_broke_the_training, care.set_aside)]
    summary = {
        "epochs": last.epoch,
        "steps": last.step,
        "workers": len(history.clips_by_rank),
        "clips": len(settings.clip_names - set(care.set_aside)),
        "held_out": sorted(item.name for item in settings.held_out),
        "set_aside": {clip.name: clip.reason for clip in dropped},
        "clips_by_rank": history.clips_by_rank,
        "weights": workspace.relative(shown if is_voice else own),
        "chosen": {"epoch": choice.checkpoint.epoch, "reason": choice.reason},
        "last_epoch": last.values,
        "evaluation": last.evaluation,
        "seconds_training": round(sum(epoch.seconds for epoch in history.epochs), 1),
    }
    if plan.preflight is not None:
        summary["memory"] = plan.preflight.as_dict()
    manifest = Manifest(context.step, options=options.model_dump())
    for name in sorted(settings.clip_names - set(care.set_aside)):
        manifest.add(ClipEntry(name, key))
    for clip in dropped:
        manifest.add(ClipEntry(clip.name, key, "set_aside", clip.reason, facts=clip.facts))
    manifest.details = {
        "key": key,
        "outputs": [workspace.relative(own)],
        "summary": summary,
    }
    manifest.save(workspace)
    warnings = [f"{clip.name} was left out: {clip.reason}" for clip in dropped]
    warnings += plan.warnings
    warnings += [remark] if (remark := care.remark()) else []
    warnings += [choice.warning] if choice.warning else []
    warnings += remarks
    warnings += _otherwise_than_asked(context, options, plan, last.epoch)
    return Result(summary=summary, warnings=warnings)


def _broke_the_training(clip: str) -> DroppedClip:
    words = "its batch broke the training twice"
    return Objection(words, "broke_the_training").of(clip)


def _otherwise_than_asked(
    context: StepContext, options: TrainOptions, plan: TrainingPlan, epochs_done: int
) -> list[str]:
    """A base model that learns from nothing has needs of its own; nobody should wonder later."""
    warnings = []
    base, settings = context.config.base_model, plan.settings
    if options.elastic and context.config.num_workers == 1:
        warnings.append("elastic has no meaning for one worker: gpu_id asks for no more.")
    if options.max_steps is None and epochs_done != settings.epochs:
        warnings.append(
            f"{base} is trained for a number of steps of its own: {epochs_done} epochs were done, "
            f"{settings.epochs} were asked for. max_steps sets a limit."
        )
    asked = asked_batch_size(context.config, options)
    if asked not in (AUTO, settings.batch_size):
        halved = (
            "if_dpo halves them, "
            if isinstance(options, TrainGptOptions) and options.if_dpo
            else ""
        )
        warnings.append(
            f"Batches of {settings.batch_size} were used, {asked} were asked for: {halved}"
            f"{base} and {len(settings.clip_names)} clips allow no more."
        )
    return warnings
