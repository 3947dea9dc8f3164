"""What both training steps do the same way: the fingerprint, the run, the result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ray_pipeline.core.errors import NothingUsable
from ray_pipeline.core.manifest import ClipEntry, Manifest, fingerprint
from ray_pipeline.core.options import TrainOptions
from ray_pipeline.core.pretrained_bases import PretrainedBase
from ray_pipeline.core.step_context import Result, StepContext
from ray_pipeline.core.step_names import StepName
from ray_pipeline.training.evaluation import held_out_names
from ray_pipeline.training.experiment_files import DroppedClip
from ray_pipeline.training.launcher import train
from ray_pipeline.training.runs import choose_run, finish_run

if TYPE_CHECKING:
    from ray_pipeline.training.gpt.data import GptItem
    from ray_pipeline.training.reports import Outcome
    from ray_pipeline.training.sovits.data import SovitsItem
    from ray_pipeline.training.worker import TrainWorker

Settings = TypeVar("Settings")
Item = TypeVar("Item", "GptItem", "SovitsItem")


@dataclass(frozen=True, kw_only=True)
class TrainingJob:
    """One training of one voice. `key` is the fingerprint of all it depends on, `used` and
    `held_out` name its clips, `weights…` find the files that it exports. `epochs` and
    `batch_size` are what the recipe makes of what was asked for."""

    key: str
    epochs: int
    batch_size: int
    used: Sequence[str]
    held_out: Sequence[str]
    dropped: Sequence[DroppedClip]
    weights_folder: Path
    weights_pattern: str


def job_key(
    context: StepContext, options: TrainOptions, rests_on: Sequence[StepName], **more: Any
) -> str:
    """Changes when the data, the options or the base model change, not with `force`."""
    digests = {step.value: Manifest.load(context.workspace, step).digest() for step in rests_on}
    return fingerprint(
        step=context.step.value,
        voice=context.config.exp_name,
        base_model=context.config.base_model,
        seed=context.config.seed,
        options=options.model_dump(exclude={"enabled", "force", "keep_exports"}),
        digests=digests,
        **more,
    )


def finished_before(context: StepContext, options: TrainOptions, job: TrainingJob) -> Result | None:
    """The result of an earlier run that used the same data and options, if its files exist."""
    manifest = Manifest.load(context.workspace, context.step)
    outputs = manifest.details.get("outputs", [])
    same = manifest.details.get("key") == job.key and not options.force
    present = outputs and all((context.workspace.root / name).exists() for name in outputs[-1:])
    if not (same and present):
        return None
    context.progress.log("Nothing to do: data and options are those of the finished training.")
    return Result(summary={**manifest.details["summary"], "reused": True})


def run_training(
    context: StepContext,
    options: TrainOptions,
    job: TrainingJob,
    loop: Callable[[Settings, TrainWorker], None],
    settings: Settings,
) -> tuple[Outcome, Path]:
    """Train, or go on with an interrupted training. Returns what came out and the run's folder."""
    storage = context.workspace.scratch / context.step.value
    run = choose_run(storage, job.key, force=options.force)
    # A worker without a clip of its own would have nothing to learn from.
    plan = context.plan(min(context.config.num_workers, len(set(job.used))))
    verb = "Going on with" if run.is_resumed else "Starting"
    context.progress.log(
        f"{verb} the training: {len(set(job.used))} clips, {plan.num_workers} worker(s)."
    )
    outcome = train(
        loop,
        settings,
        plan=plan,
        run_name=run.name,
        storage_path=storage,
        progress=context.progress,
    )
    finish_run(storage, run)
    return outcome, storage / run.name


def record(
    context: StepContext, options: TrainOptions, job: TrainingJob, outcome: Outcome
) -> Result:
    """Write the manifest and say what was reached."""
    workspace = context.workspace
    files = sorted(
        job.weights_folder.glob(job.weights_pattern), key=lambda path: path.stat().st_mtime_ns
    )
    last = outcome.last
    summary = {
        "epochs": last.epoch,
        "steps": last.step,
        "workers": len(outcome.clips_by_rank),
        "clips": len(set(job.used)),
        "held_out": list(job.held_out),
        "set_aside": {clip.name: clip.reason for clip in job.dropped},
        "clips_by_rank": outcome.clips_by_rank,
        "weights": workspace.relative(files[-1]),
        "last_epoch": last.values,
        "evaluation": last.evaluation,
        "seconds_training": round(sum(epoch.seconds for epoch in outcome.epochs), 1),
    }
    manifest = Manifest(context.step, options=options.model_dump())
    for name in sorted(set(job.used)):
        manifest.add(ClipEntry(name, job.key))
    for clip in job.dropped:
        entry = ClipEntry(clip.name, job.key, "set_aside", clip.reason, facts=clip.facts)
        manifest.add(entry)
    manifest.details = {
        "key": job.key,
        "outputs": [workspace.relative(path) for path in files],
        "summary": summary,
    }
    manifest.save(workspace)
    warnings = [f"{clip.name} was left out: {clip.reason}" for clip in job.dropped]
    warnings += _otherwise_than_asked(context, options, job, last.epoch)
    return Result(summary=summary, warnings=warnings)


def _otherwise_than_asked(
    context: StepContext, options: TrainOptions, job: TrainingJob, epochs_done: int
) -> list[str]:
    """A base model that learns from nothing has needs of its own; nobody should wonder later."""
    warnings = []
    base, config = context.config.base_model, context.config
    if options.max_steps is None and epochs_done != job.epochs:
        warnings.append(
            f"{base} learns from nothing and needs a least number of steps: {epochs_done} epochs "
            f"were done, {job.epochs} were asked for. max_steps sets a limit."
        )
    asked = options.batch_size or config.batch_size
    if job.batch_size != asked:
        warnings.append(
            f"Batches of {job.batch_size} were used, {asked} were asked for: {base} and "
            f"{len(set(job.used))} clips allow no more."
        )
    return warnings


def share_out(
    context: StepContext, items: Sequence[Item], *, own_shares: bool
) -> tuple[list[Item], list[Item]]:
    """What is trained on, and what is held out to judge the voice by: nothing, unless the recipe
    has `own_shares`."""
    names = [item.name for item in items]
    held_out = held_out_names(names, context.config.seed) if own_shares else set()
    used = [item for item in items if item.name not in held_out]
    return used, [item for item in items if item.name in held_out]


def require_clips(names: Sequence[str], dropped: Sequence[DroppedClip], least: int) -> None:
    """Raises NothingUsable, with the commonest reason, when too few clips are left."""
    if len(set(names)) >= least:
        return
    reason = f" {dropped[0].name}: {dropped[0].reason}." if dropped else ""
    raise NothingUsable(
        f"{len(set(names))} clip(s) can be used for the training, at least {least} are needed."
        f"{reason}",
        hint="Upload more speech, or correct the transcripts, and run the steps before again.",
    )


def pretrained_files(context: StepContext, base: PretrainedBase, *names: str | None) -> list[Path]:
    """Paths of a base model's own weights; empty for one that starts from nothing."""
    return [context.models_dir / name for name in names if name] if base.is_pretrained else []
