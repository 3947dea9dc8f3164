"""Step 1. Needs recordings in input_audio/. Makes converted_wav/, mono 32 kHz float32.

A recording that is converted already is left alone; one that was removed loses its WAV.
"""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from pathlib import Path

from ray_pipeline.audio.converting import convert
from ray_pipeline.clips.engine import (
    require_usable,
    set_aside_summary,
    set_aside_warnings,
    work_through,
)
from ray_pipeline.clips.ray_tasks import RayTasks
from ray_pipeline.clips.work import Clip, Made, WorkItem
from ray_pipeline.core.errors import NothingUsable
from ray_pipeline.core.manifest import Manifest, fingerprint
from ray_pipeline.core.options import ConvertAudioOptions
from ray_pipeline.core.step_context import Result, StepContext
from ray_pipeline.core.workspace import sha256_of
from ray_pipeline.transcripts.uploaded import recordings_in

_VERSION = "2"  # raise it when the same recording would give another file


def run(context: StepContext, options: ConvertAudioOptions) -> Result:
    """Raises NothingUsable when no recording can be used; each reason is in the message."""
    workspace = context.workspace
    recordings = recordings_in(workspace.input_audio)
    if not recordings:
        raise NothingUsable(
            "The task has no recordings.",
            hint="Upload audio files first: POST /api/v1/task/{task_id}/files/upload.",
            step=context.step.value,
        )
    convert_one = partial(convert_recording, folder=workspace.converted_wav, options=options)
    manifest = Manifest(context.step, options.model_dump(), {"convert": _VERSION})
    work = work_through(
        context,
        [_item(recording, options) for recording in recordings],
        RayTasks.one_by_one(convert_one, context.plan(len(recordings))),
        manifest=manifest,
        folders=[workspace.converted_wav],
        force=options.force,
    )
    require_usable(
        context, manifest, "usable recording", "Upload at least one clear recording of speech."
    )
    return Result(summary=_summary(manifest, work.num_reused), warnings=_warnings(manifest))


def convert_recording(recording: Clip, *, folder: Path, options: ConvertAudioOptions) -> list[Made]:
    """Runs in a Ray task. Raises StepFailed."""
    target = folder / f"{recording.name}.wav"
    conversion = convert(
        Path(recording.path),
        target,
        min_seconds=options.min_seconds,
        time_limit_seconds=options.time_limit_seconds,
    )
    details = {"source": recording.name, **asdict(conversion)}
    return [Made(recording.name, details, [target])]


def _item(recording: Path, options: ConvertAudioOptions) -> WorkItem:
    digest = sha256_of(recording)
    key = fingerprint(
        version=_VERSION,
        input=digest,
        min_seconds=options.min_seconds,
        time_limit=options.time_limit_seconds,
    )
    return WorkItem(Clip(recording.name, str(recording)), key, digest)


def _summary(manifest: Manifest, num_reused: int) -> dict[str, object]:
    usable = manifest.usable()
    return {
        "files": len(manifest.clips),
        "converted": len(usable),
        "unchanged": num_reused,
        "seconds": round(sum(entry.details["seconds"] for entry in usable), 2),
        "set_aside": set_aside_summary(manifest),
    }


def _warnings(manifest: Manifest) -> list[str]:
    remarks = [
        f"{entry.name}: {remark}."
        for entry in manifest.usable()
        for remark in entry.details["remarks"]
    ]
    return set_aside_warnings(manifest) + remarks
