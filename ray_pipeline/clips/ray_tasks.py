"""What the steps that work clip by clip share: many Ray tasks, one manifest.

An item whose key is the same as last time, and whose files are still there, is not computed
again. One that fails is set aside with its reason and the others go on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from ray_pipeline.core.errors import (
    BackendMissing,
    BadModelFile,
    NothingUsable,
    PipelineError,
    StepFailed,
)
from ray_pipeline.core.manifest import ClipEntry, Manifest
from ray_pipeline.core.resources import WorkerPlan
from ray_pipeline.core.step_context import StepContext

_SAVE_EVERY_SECONDS = 5.0
_NAMED_IN_ERROR = 5
_NO_CLIPS_FAULT = (BackendMissing, BadModelFile)


@dataclass(frozen=True)
class Item:
    """One thing to do: `function(*arguments)` makes its entries.

    `key` is the fingerprint of everything they depend on; `inputs` maps paths relative to the
    task to their sha256. An item may make several entries; each then names it in
    `details["source"]`.
    """

    name: str
    key: str
    inputs: dict[str, str]
    arguments: tuple[Any, ...] = field(repr=False)


@dataclass(frozen=True)
class Outcome:
    """A manifest of all items, and how many of them were taken over from the last run."""

    manifest: Manifest
    num_reused: int


def make_clips(
    context: StepContext,
    items: Sequence[Item],
    function: Callable[..., list[Any]],
    *,
    plan: WorkerPlan,
    manifest: Manifest,
    folder: Path | None,
    force: bool,
    batch_size: int | None = None,
) -> Outcome:
    """Fill `manifest` with the entries of all items and remove what else lies in `folder`.

    With `batch_size`, `function` takes a list of the arguments of up to so many items and answers
    for each with its entries or the PipelineError that sets it aside.
    Raises what `function` raises when it is no PipelineError, and BackendMissing and
    BadModelFile, for which no clip is to blame.
    """
    kept = {} if force else _reusable(context, items)
    for entries in kept.values():
        for entry in entries:
            manifest.add(entry)
    waiting = [item for item in items if item.name not in kept]
    done, saved_at = len(kept), time.monotonic()
    if kept:
        context.progress.advance(done, len(items), f"{done} unchanged since the last run")
    for item, entries in _run_all(context, waiting, function, plan, batch_size):
        done += 1
        for entry in entries:
            manifest.add(entry)
        _tell(context, item, entries, done, len(items))
        if time.monotonic() - saved_at > _SAVE_EVERY_SECONDS:
            manifest.save(context.workspace)
            saved_at = time.monotonic()
    manifest.clips = dict(sorted(manifest.clips.items()))
    manifest.save(context.workspace)
    if folder is not None:
        _sweep(context, folder, manifest)
    return Outcome(manifest, len(kept))


def require_usable(context: StepContext, manifest: Manifest, what: str, hint: str) -> None:
    """Raises NothingUsable, with the reasons, when every entry was set aside."""
    if manifest.usable():
        return
    aside = manifest.set_aside()
    reasons = " ".join(entry.reason for entry in aside[:_NAMED_IN_ERROR])
    more = f" And {len(aside) - _NAMED_IN_ERROR} more." if len(aside) > _NAMED_IN_ERROR else ""
    raise NothingUsable(f"No {what} is left. {reasons}{more}", hint=hint, step=context.step.value)


def set_aside_warnings(manifest: Manifest) -> list[str]:
    """The same sentences that were sent while the step ran."""
    return [entry.reason for entry in manifest.set_aside()]


def set_aside_summary(manifest: Manifest) -> list[dict[str, str]]:
    return [{"name": entry.name, "reason": entry.reason} for entry in manifest.set_aside()]


def _reusable(context: StepContext, items: Sequence[Item]) -> dict[str, list[ClipEntry]]:
    """The last run's entries of each item that need not be made again."""
    previous = Manifest.load(context.workspace, context.step)
    names = {item.name for item in items}
    by_item: dict[str, list[ClipEntry]] = {}
    for entry in previous.clips.values():
        owner = entry.name if entry.name in names else entry.details.get("source", "")
        by_item.setdefault(owner, []).append(entry)
    return {
        item.name: entries
        for item in items
        if (entries := by_item.get(item.name))
        and all(previous.reusable(entry.name, item.key, context.workspace) for entry in entries)
    }


def _run_all(
    context: StepContext,
    items: Sequence[Item],
    function: Callable[..., list[Any]],
    plan: WorkerPlan,
    batch_size: int | None,
) -> Iterator[tuple[Item, list[ClipEntry]]]:
    """Each item with its entries, in the order in which they are finished."""
    if not items:
        return
    import ray

    remote = ray.remote(function)
    size = batch_size or 1
    waiting = iter([items[first : first + size] for first in range(0, len(items), size)])
    pending: dict[Any, Sequence[Item]] = {}
    while True:
        while len(pending) < plan.num_workers and (batch := next(waiting, None)) is not None:
            named = remote.options(name=f"{context.step}:{batch[0].name}", **plan.ray_options())
            together = [item.arguments for item in batch]
            arguments = together[0] if batch_size is None else (together,)
            pending[named.remote(*arguments)] = batch
        if not pending:
            return
        for reference in ray.wait(list(pending), num_returns=1)[0]:
            batch = pending.pop(reference)
            try:
                entries = _entries_of(batch, reference, is_batch=batch_size is not None)
            except _WorkerDied:
                # Which of them it was shows when each has a process of its own.
                waiting = chain([[item] for item in batch], waiting)
            else:
                yield from zip(batch, entries, strict=True)


class _WorkerDied(Exception):
    """The process that worked on several items is gone."""


def _entries_of(batch: Sequence[Item], reference: Any, *, is_batch: bool) -> list[list[ClipEntry]]:
    """The entries of each item. Raises what is no PipelineError, and _WorkerDied."""
    import ray

    try:
        answer = ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, PipelineError) and not isinstance(error.cause, _NO_CLIPS_FAULT):
            return [[_set_aside(item, error.cause, item.key)] for item in batch]
        raise (error.cause or error) from None
    except (ray.exceptions.WorkerCrashedError, ray.exceptions.OutOfMemoryError):
        if len(batch) > 1:
            raise _WorkerDied from None
        failure = StepFailed(
            f"{batch[0].name}: the worker process died.",
            hint="Usually memory ran out; free some, or cut the recording into shorter files.",
            reason="worker_died",
        )
        # No key: the next run tries again.
        return [[_set_aside(batch[0], failure, "")]]
    answers = answer if is_batch else [answer]
    return [_finished(item, one) for item, one in zip(batch, answers, strict=True)]


def _finished(item: Item, answer: list[ClipEntry] | PipelineError) -> list[ClipEntry]:
    if isinstance(answer, PipelineError):
        return [_set_aside(item, answer, item.key)]
    for entry in answer:
        entry.key, entry.inputs = item.key, item.inputs
    return answer


def _set_aside(item: Item, failure: PipelineError, key: str) -> ClipEntry:
    return ClipEntry(
        name=item.name,
        key=key,
        status="set_aside",
        reason=str(failure),
        facts=failure.facts if isinstance(failure, StepFailed) else {},
        inputs=item.inputs,
        details={"source": item.name},
    )


def _tell(
    context: StepContext, item: Item, entries: list[ClipEntry], done: int, total: int
) -> None:
    for entry in entries:
        if entry.status == "set_aside":
            context.progress.warn(entry.reason)
    context.progress.advance(done, total, item.name)


def _sweep(context: StepContext, folder: Path, manifest: Manifest) -> None:
    """Remove outputs of recordings that are gone; the folder belongs to the step alone."""
    if not folder.is_dir():
        return
    wanted = {output for entry in manifest.clips.values() for output in entry.outputs}
    for path in folder.iterdir():
        if path.is_file() and context.workspace.relative(path) not in wanted:
            path.unlink()
