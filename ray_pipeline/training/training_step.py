"""What both training steps do the same way: the key of a training, the run, the result."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ray_pipeline.core.errors import StorageFull
from ray_pipeline.core.manifest import Manifest, fingerprint
from ray_pipeline.core.option_types import AUTO
from ray_pipeline.core.options import TrainOptions
from ray_pipeline.core.step_context import Result, StepContext
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.trainings import Trainings, link_or_copy
from ray_pipeline.core.workspace import sha256_of
from ray_pipeline.training.adopting import adopt, copied_checkpoint
from ray_pipeline.training.checkpoints import link_checkpoints
from ray_pipeline.training.healing import Care
from ray_pipeline.training.launcher import train
from ray_pipeline.training.plan import TrainingPlan
from ray_pipeline.training.preflight import look_at_memory
from ray_pipeline.training.resuming import has_checkpoint
from ray_pipeline.training.room import room_of_workers
from ray_pipeline.training.run_folders import RunFolder, choose_run_folder, mark_finished
from ray_pipeline.training.settings import TrainingSettings
from ray_pipeline.training.training_result import record

if TYPE_CHECKING:
    from ray_pipeline.training.reports import TrainingHistory


_log = logging.getLogger(__name__)

# Listens to the checkpoints of a training that took so many seconds.
Judge = Callable[[StepContext, TrainingPlan, float], None]


def run_training(
    context: StepContext, options: TrainOptions, plan: TrainingPlan, judge: Judge
) -> Result:
    """Train, go on with an interrupted training, or find that there is nothing to do.

    Raises BadModelFile for a damaged file of the base model, StepFailed when workers fail for
    the third time.
    """
    key = training_key(context, options, plan)
    done = finished_before(context, options, key)
    if done is not None:
        return done
    plan, history, care = _train(context, options, plan, key, judge)
    return record(context, options, plan, key, history, care)


def training_key(context: StepContext, options: TrainOptions, plan: TrainingPlan) -> str:
    """The fingerprint of all that a training depends on: it changes when the data, the options
    or the base model change, not with `force`."""
    digests = {
        step.value: Manifest.load(context.workspace, step).digest() for step in plan.rests_on
    }
    return fingerprint(
        step=context.step.value,
        voice=context.config.exp_name,
        base_model=context.config.base_model,
        seed=context.config.seed,
        options=options.model_dump(exclude=_OF_NO_CONSEQUENCE),
        digests=digests,
        # Copied in after a training, it is gone on with.
        copied=[(path.name, path.stat().st_size) for path in copied_checkpoint(plan.settings)],
        start=None if plan.settings.start is None else sha256_of(plan.settings.start),
        epochs=plan.settings.epochs,
        # A training goes on with the batches that it began with, however much is free now.
        batch_size=AUTO if plan.settings.auto_batch else plan.settings.batch_size,
        held_out=sorted(item.name for item in plan.settings.held_out),
    )


# What makes no other voice, so that it can be changed for the rest of a training.
_OF_NO_CONSEQUENCE = {
    "enabled",
    "force",
    "keep_exports",
    "keep_gb",
    "checkpoint_minutes",
    "micro_batch_size",
    "elastic",
    "if_grad_ckpt",
}


def finished_before(context: StepContext, options: TrainOptions, key: str) -> Result | None:
    """The result of an earlier run that used the same data and options, if its files exist."""
    manifest = Manifest.load(context.workspace, context.step)
    outputs = manifest.details.get("outputs", [])
    same = manifest.details.get("key") == key and not options.force
    present = outputs and all((context.workspace.root / name).exists() for name in outputs[-1:])
    if not (same and present):
        return None
    context.progress.log("Nothing to do: data and options are those of the finished training.")
    return Result(summary={**manifest.details["summary"], "reused": True})


def _train(
    context: StepContext, options: TrainOptions, plan: TrainingPlan, key: str, judge: Judge
) -> tuple[TrainingPlan, TrainingHistory, Care]:
    """The plan that is returned says in which folder the run has its exports."""
    storage = context.workspace.scratch / context.step.value
    folder = choose_run_folder(storage, key, force=options.force)
    run_folder = storage / folder.name
    plan = with_own_folder(context, plan, folder.name)
    num_clips = len(plan.settings.clip_names)
    # A worker without a clip of its own would have nothing to learn from.
    most = min(context.config.num_workers, num_clips)
    workers = context.plan(most)
    preflight = look_at_memory(plan.settings, room_of_workers(workers), run_folder)
    settings = plan.settings.with_batch_size(preflight.batch_size)
    plan = replace(plan, settings=settings, preflight=preflight)
    Trainings(context.workspace).remove_others(context.step, folder.name)
    if settings.start is not None:
        settings = replace(settings, start=own_start(run_folder, settings.start))
    adopt_what_was_copied(context, settings, folder, run_folder)
    if options.elastic:  # also more than the cluster has now
        workers = replace(workers, num_workers=most)
    verb = "Going on with" if folder.is_resumed else "Starting"
    context.progress.log(
        f"{verb} the training: {num_clips} clips, {workers.num_workers} worker(s)."
    )
    history = train(
        plan.train,
        settings,
        plan=workers,
        run_name=folder.name,
        storage_path=storage,
        progress=context.progress,
        elastic=options.elastic,
    )
    # An attempt that is interrupted here trains no more and judges what is left.
    _judge(context, plan, history, judge)
    mark_finished(storage, folder)
    # The oldest checkpoint goes when the last one comes, which may be after its worker ended.
    link_checkpoints(run_folder, settings.checkpoint_links, settings.checkpoint_patterns)
    return plan, history, Care.load(run_folder)


def adopt_what_was_copied(
    context: StepContext, settings: TrainingSettings, folder: RunFolder, run_folder: Path
) -> None:
    """A run that has nothing of its own yet goes on from what was copied in, unless forced."""
    copied = copied_checkpoint(settings)
    if not copied or folder.forced or has_checkpoint(run_folder):
        return
    epoch = adopt(settings, copied, run_folder)
    name = settings.relative(copied[0])
    context.progress.log(f"Going on from {name}, which was copied in: {epoch} epochs are done.")


def own_start(run_folder: Path, start: Path) -> Path:
    """Where nobody removes it while the run needs it: a worker may have to begin anew."""
    own = run_folder / f"start{start.suffix}"
    own.parent.mkdir(parents=True, exist_ok=True)
    link_or_copy(start, own)
    return own


def _judge(
    context: StepContext, plan: TrainingPlan, history: TrainingHistory, judge: Judge
) -> None:
    """What cannot be judged leaves the training as it is: complete, and chosen from by loss."""
    if context.config.strict_compat:
        return  # there nothing is held out either, and the last is taken
    try:
        judge(context, plan, sum(epoch.seconds for epoch in history.epochs))
    except StorageFull:
        raise
    except Exception as error:
        _log.exception("the checkpoints could not be judged")
        context.progress.warn(f"Nobody could listen to the checkpoints: {error}")


def with_own_folder(context: StepContext, plan: TrainingPlan, run: str) -> TrainingPlan:
    """Exports go into a folder of the run, and are shown where they always were when they are
    the voice."""
    shared = (StepName.EXTRACT_TEXT_FEATURES, StepName.EXTRACT_SEMANTIC_FEATURES)
    digests = {step.value: Manifest.load(context.workspace, step).digest() for step in shared}
    settings = replace(
        plan.settings,
        weights_folder=Trainings(context.workspace).folder(context.step, run),
        shown_in=plan.settings.weights_folder,
        inputs=fingerprint(base_model=context.config.base_model, digests=digests),
    )
    return replace(plan, settings=settings)
