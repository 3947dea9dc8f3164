"""What the four feature steps share: whose clips they take, and a manifest of what they made.

A clip whose key is the same as last time, and whose files are still there, is not computed
again. One that fails is set aside with its reason and the others go on. Files of clips that
are gone are removed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ray_pipeline.clips.ray_data import extract
from ray_pipeline.clips.ray_tasks import set_aside_summary
from ray_pipeline.clips.worker import Clip, ClipResult, Extractor
from ray_pipeline.core.errors import BackendMissing, BadModelFile, StepFailed, StepNotReady
from ray_pipeline.core.manifest import ClipEntry, Manifest
from ray_pipeline.core.step_context import Result, StepContext
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.task import Transcript
from ray_pipeline.transcripts.list_file import read_list

_SAVE_EVERY_SECONDS = 5.0


@dataclass(frozen=True)
class Job:
    """One clip to do. `key` is the fingerprint of all that the result depends on; `inputs`
    maps paths relative to the task to their sha256, `outputs` are such paths."""

    clip: Clip
    key: str
    inputs: dict[str, str]
    outputs: list[str]


@dataclass(frozen=True)
class Outcome:
    """`warnings` are sentences about clips that were set aside now or before."""

    num_reused: int
    num_workers: int
    warnings: list[str]


def included_transcripts(context: StepContext) -> list[Transcript]:
    """What is trained on: transcripts that are included, not empty, and whose clip is there.

    Taken from the database's state, or from the list file where there is none. Sorted by clip.
    Raises StepNotReady when there is no transcript at all or none of them is left.
    """
    known = list(context.transcripts.values()) or _from_list_file(context)
    if not known:
        raise StepNotReady(
            "There are no transcripts.",
            hint="Run asr_transcribe, or upload a .list file and run it then.",
            missing=[StepName.ASR_TRANSCRIBE.value],
        )
    clips = {
        entry.name for entry in Manifest.load(context.workspace, StepName.SLICE_AUDIO).usable()
    }
    usable = [
        transcript
        for transcript in known
        if transcript.include and transcript.text.strip() and transcript.clip in clips
    ]
    if not usable:
        raise StepNotReady(
            f"None of the {len(known)} transcripts can be used: each is excluded, empty or of a "
            "clip that is gone.",
            hint="Include some of them, or run asr_transcribe again.",
            missing=[StepName.ASR_TRANSCRIBE.value],
        )
    return sorted(usable, key=lambda transcript: transcript.clip)


def audio_features(context: StepContext) -> list[ClipEntry]:
    """The clips that extract_audio_features made. Raises StepNotReady when it made none."""
    usable = Manifest.load(context.workspace, StepName.EXTRACT_AUDIO_FEATURES).usable()
    if not usable:
        raise StepNotReady(
            "There are no audio features.",
            hint="Run extract_audio_features first.",
            missing=[StepName.EXTRACT_AUDIO_FEATURES.value],
        )
    return usable


def extract_features(
    context: StepContext,
    jobs: Sequence[Job],
    build: Callable[[str], Extractor],
    *,
    manifest: Manifest,
    folders: Iterable[Path] = (),
    force: bool = False,
) -> Outcome:
    """Fill `manifest` with an entry for each job and remove what else lies in `folders`.

    `build(device)` loads the extractor, in each worker. Raises BackendMissing and BadModelFile,
    for which no clip is to blame.
    """
    previous = Manifest(context.step) if force else Manifest.load(context.workspace, context.step)
    waiting = {job.clip.name: job for job in jobs}
    for job in jobs:
        entry = previous.reusable(job.clip.name, job.key, context.workspace)
        if entry is not None:
            manifest.add(entry)
            del waiting[job.clip.name]
    num_reused = len(jobs) - len(waiting)
    if num_reused:
        message = f"{num_reused} unchanged since the last run"
        context.progress.advance(num_reused, len(jobs), message)
    plan = context.plan(min(context.config.num_workers, len(waiting)))
    saved_at = time.monotonic()
    for result in extract(
        [job.clip for job in waiting.values()],
        build,
        plan=plan,
        name=f"{context.step}:{context.task_id}:{context.attempt}",
        progress=context.progress,
    ):
        manifest.add(_entry(context, waiting[result.name], result))
        context.progress.advance(len(manifest.clips), len(jobs), result.name)
        if time.monotonic() - saved_at > _SAVE_EVERY_SECONDS:
            manifest.save(context.workspace)
            saved_at = time.monotonic()
    manifest.clips = dict(sorted(manifest.clips.items()))
    manifest.save(context.workspace)
    _sweep(context, folders, manifest)
    warnings = [f"{entry.name}: {entry.reason} It is set aside." for entry in manifest.set_aside()]
    return Outcome(num_reused, plan.num_workers if waiting else 0, warnings)


def result_of(manifest: Manifest, outcome: Outcome, **facts: object) -> Result:
    """The usual summary of a feature step, with `facts` of its own."""
    summary = {
        "clips": len(manifest.usable()),
        "unchanged": outcome.num_reused,
        "workers": outcome.num_workers,
        **facts,
        "set_aside": set_aside_summary(manifest),
    }
    return Result(summary=summary, warnings=list(outcome.warnings))


def _entry(context: StepContext, job: Job, result: ClipResult) -> ClipEntry:
    error = result.error
    if error is None:
        return ClipEntry(
            result.name,
            job.key,
            inputs=job.inputs,
            outputs=job.outputs,
            details=result.details,
        )
    if isinstance(error, (BackendMissing, BadModelFile)):
        error.step = context.step.value
        raise error
    context.progress.warn(f"{error} It is set aside.", clip=result.name)
    # Without a key the next run tries again.
    key = job.key if result.is_final else ""
    facts = error.facts if isinstance(error, StepFailed) else {}
    return ClipEntry(
        result.name, key, status="set_aside", reason=str(error), facts=facts, inputs=job.inputs
    )


def _from_list_file(context: StepContext) -> list[Transcript]:
    path = context.workspace.list_path(context.config.exp_name)
    if not path.is_file():
        return []
    rows, _ = read_list(path)
    return [
        Transcript(clip=row.file_name, text=row.text, language=row.language, speaker=row.speaker)
        for row in rows
    ]


def _sweep(context: StepContext, folders: Iterable[Path], manifest: Manifest) -> None:
    wanted = {output for entry in manifest.clips.values() for output in entry.outputs}
    for folder in folders:
        for path in folder.iterdir() if folder.is_dir() else ():
            if path.is_file() and context.workspace.relative(path) not in wanted:
                path.unlink()
