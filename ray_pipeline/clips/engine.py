"""What the steps that work clip by clip share: what is kept, made anew, set aside and removed.

A clip whose key is the same as last time, and whose files are still there, is not computed
again. One that fails is set aside with its reason and the others go on. Files of clips that are
gone are removed. The manifest is saved while the work goes on.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from ray_pipeline.clips.work import NO_CLIPS_FAULT, ClipResult, Executor, WorkItem
from ray_pipeline.core.errors import NothingUsable, StepFailed
from ray_pipeline.core.manifest import ClipEntry, Manifest
from ray_pipeline.core.progress import Progress
from ray_pipeline.core.resources import WorkerPlan
from ray_pipeline.core.step_context import Result, StepContext
from ray_pipeline.core.workspace import Workspace

_SAVE_EVERY_SECONDS = 5.0
_SILENT_SECONDS = 60.0
_NAMED_IN_ERROR = 5


@dataclass(frozen=True)
class FinishedWork:
    """`manifest` has an entry of every clip, `num_reused` of them from the last run."""

    manifest: Manifest
    num_reused: int
    num_workers: int

    def result(self, **facts: object) -> Result:
        """The usual summary of a step on clips, with `facts` of its own."""
        summary = {
            "clips": len(self.manifest.usable()),
            "unchanged": self.num_reused,
            "workers": self.num_workers,
            **facts,
            "set_aside": set_aside_summary(self.manifest),
        }
        return Result(summary=summary, warnings=set_aside_warnings(self.manifest))


def work_through(
    context: StepContext,
    items: Sequence[WorkItem],
    executor: Executor,
    *,
    manifest: Manifest,
    folders: Iterable[Path] = (),
    force: bool = False,
) -> FinishedWork:
    """Fill `manifest` with the entries of all items and remove what else lies in `folders`, which
    belong to the step alone.

    Raises BackendMissing, BadModelFile and StorageFull, for which no clip is to blame.
    """
    kept = {} if force else _reusable(context, items)
    for entries in kept.values():
        for entry in entries:
            manifest.add(entry)
    waiting = {item.clip.name: item for item in items if item.clip.name not in kept}
    if kept:
        message = f"{len(kept)} unchanged since the last run"
        context.progress.advance(len(kept), len(items), message)
    name = f"{context.step}:{context.task_id}:{context.attempt}"
    results = executor.results([item.clip for item in waiting.values()], name)
    saved_at = time.monotonic()
    waits = _waiting_said(context.progress, executor.plan, bool(waiting))
    with closing(results), waits as arrived:
        for done, result in enumerate(results, len(kept) + 1):
            arrived.set()
            for entry in _entries(context, waiting[result.name], result):
                manifest.add(entry)
                if entry.status == "set_aside":
                    context.progress.warn(_sentence(entry), clip=entry.name)
            context.progress.advance(done, len(items), result.name)
            if time.monotonic() - saved_at > _SAVE_EVERY_SECONDS:
                manifest.save(context.workspace)
                saved_at = time.monotonic()
    manifest.save(context.workspace)
    sweep(context.workspace, folders, manifest)
    return FinishedWork(manifest, len(kept), min(executor.plan.num_workers, len(waiting)))


def require_usable(context: StepContext, manifest: Manifest, what: str, hint: str) -> None:
    """Raises NothingUsable, with the reasons, when every entry was set aside."""
    if manifest.usable():
        return
    aside = manifest.set_aside()
    reasons = [entry.reason for entry in aside[:_NAMED_IN_ERROR]]
    if len(aside) > _NAMED_IN_ERROR:
        reasons.append(f"And {len(aside) - _NAMED_IN_ERROR} more.")
    sentence = f"No {what} is left. {' '.join(reasons)}"
    raise NothingUsable(sentence, hint=hint, step=context.step.value)


def set_aside_warnings(manifest: Manifest) -> list[str]:
    """The same sentences that were sent while the step ran, this time or before."""
    return [_sentence(entry) for entry in manifest.set_aside()]


def set_aside_summary(manifest: Manifest) -> list[dict[str, str]]:
    return [{"name": entry.name, "reason": entry.reason} for entry in manifest.set_aside()]


def _reusable(context: StepContext, items: Sequence[WorkItem]) -> dict[str, list[ClipEntry]]:
    """The last run's entries of each item that need not be made again."""
    previous = Manifest.load(context.workspace, context.step)
    names = {item.clip.name for item in items}
    by_item: dict[str, list[ClipEntry]] = {}
    for entry in previous.clips.values():
        owner = entry.name if entry.name in names else entry.details.get("source", "")
        by_item.setdefault(owner, []).append(entry)
    return {
        item.clip.name: entries
        for item in items
        if (entries := by_item.get(item.clip.name))
        and all(previous.reusable(entry.name, item.key, context.workspace) for entry in entries)
    }


def _entries(context: StepContext, item: WorkItem, result: ClipResult) -> list[ClipEntry]:
    """Raises the error of a result that no clip is to blame for."""
    error, workspace = result.error, context.workspace
    inputs = {workspace.relative(Path(item.clip.path)): item.sha256} if item.sha256 else {}
    if error is None:
        return [
            ClipEntry(
                made.name,
                item.key,
                inputs=inputs,
                outputs=[workspace.relative(path) for path in made.files],
                details=made.details,
            )
            for made in result.made
        ]
    if isinstance(error, NO_CLIPS_FAULT):
        error.step = context.step.value
        raise error
    # Without a key the next run tries again.
    key = item.key if result.is_final else ""
    facts = error.facts if isinstance(error, StepFailed) else {}
    return [ClipEntry(result.name, key, "set_aside", str(error), facts=facts, inputs=inputs)]


def _sentence(entry: ClipEntry) -> str:
    """Why a clip was set aside, with its name."""
    return entry.reason if entry.name in entry.reason else f"{entry.name}: {entry.reason}"


@contextmanager
def _waiting_said(progress: Progress, plan: WorkerPlan, is_work: bool) -> Iterator[threading.Event]:
    """While no result has come for a minute, say so: Ray waits for resources in silence."""
    arrived = threading.Event()
    text = (
        f"No result after {_SILENT_SECONDS:.0f} s: {plan.num_workers} workers with "
        f"{plan.cpus_per_worker:g} CPUs and {plan.gpus_per_worker:g} GPUs each are starting, at "
        "work on something long, or wait until other tasks leave the cluster room."
    )

    def say() -> None:
        if not arrived.is_set():
            progress.log(text)

    timer = threading.Timer(_SILENT_SECONDS, say)
    timer.daemon = True
    if is_work:
        timer.start()
    try:
        yield arrived
    finally:
        timer.cancel()


def sweep(workspace: Workspace, folders: Iterable[Path], manifest: Manifest) -> None:
    """Remove what lies in the folders and no entry of the manifest has as an output."""
    wanted = {output for entry in manifest.clips.values() for output in entry.outputs}
    for folder in folders:
        for path in folder.iterdir() if folder.is_dir() else ():
            if path.is_file() and workspace.relative(path) not in wanted:
                path.unlink()
