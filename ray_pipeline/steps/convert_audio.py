"""Step 1. Needs recordings in input_audio/. Makes converted_wav/, mono 32 kHz float32.

A recording that is converted already is left alone; one that was removed loses its WAV.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from ray_pipeline.audio.converting import convert
from ray_pipeline.clips.ray_tasks import (
    Item,
    make_clips,
    require_usable,
    set_aside_summary,
    set_aside_warnings,
)
from ray_pipeline.core.errors import NothingUsable
from ray_pipeline.core.manifest import ClipEntry, Manifest, fingerprint
from ray_pipeline.core.options import ConvertAudioOptions
from ray_pipeline.core.step_context import Result, StepContext
from ray_pipeline.core.workspace import Workspace, sha256_of
from ray_pipeline.transcripts.uploaded import recordings_in

_VERSION = "1"  # raise it when the same recording would give another file


def run(context: StepContext, options: ConvertAudioOptions) -> Result:
    """Raises NothingUsable when no recording can be used; each reason is in the message."""
    workspace = context.workspace
    recordings = recordings_in(workspace.input_audio) if workspace.input_audio.is_dir() else []
    if not recordings:
        raise NothingUsable(
            "The task has no recordings.",
            hint="Upload audio files first: POST /api/v1/task/{task_id}/files/upload.",
            step=context.step.value,
        )
    items = [_item(workspace, recording, options) for recording in recordings]
    outcome = make_clips(
        context,
        items,
        convert_one,
        plan=context.plan(len(items)),
        manifest=Manifest(context.step, options.model_dump(), {"convert": _VERSION}),
        folder=workspace.converted_wav,
        force=options.force,
    )
    manifest = outcome.manifest
    require_usable(
        context, manifest, "usable recording", "Upload at least one clear recording of speech."
    )
    return Result(summary=_summary(manifest, outcome.num_reused), warnings=_warnings(manifest))


def convert_one(
    workspace: Workspace, source: Path, options: ConvertAudioOptions
) -> list[ClipEntry]:
    """Convert one recording; runs as a Ray task. Raises StepFailed."""
    target = workspace.converted_wav / f"{source.name}.wav"
    conversion = convert(
        source,
        target,
        min_seconds=options.min_seconds,
        time_limit_seconds=options.time_limit_seconds,
    )
    details = {"source": source.name, **asdict(conversion)}
    return [ClipEntry(source.name, "", outputs=[workspace.relative(target)], details=details)]


def _item(workspace: Workspace, recording: Path, options: ConvertAudioOptions) -> Item:
    digest = sha256_of(recording)
    key = fingerprint(
        version=_VERSION,
        input=digest,
        min_seconds=options.min_seconds,
        time_limit=options.time_limit_seconds,
    )
    inputs = {workspace.relative(recording): digest}
    return Item(recording.name, key, inputs, (workspace, recording, options))


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
