"""Step 2. Needs converted_wav/. Makes sliced/, clips of mono 32 kHz int16.

A recording that comes with its own transcript stays one clip. Recordings whose clips are
there already, cut in the same way, are left alone.
"""

from __future__ import annotations

from typing import Any

from ray_pipeline.audio.slicing import (
    Clip,
    SlicerSettings,
    cut_clip,
    slice_recording,
    trimmed_bounds,
)
from ray_pipeline.audio.wav import num_samples_of, ranges_of, write_int16
from ray_pipeline.clips.ray_tasks import (
    Item,
    make_clips,
    require_usable,
    set_aside_summary,
    set_aside_warnings,
)
from ray_pipeline.core.audio_format import SAMPLE_RATE
from ray_pipeline.core.errors import StepFailed, StepNotReady
from ray_pipeline.core.manifest import ClipEntry, Manifest, fingerprint
from ray_pipeline.core.options import SliceAudioOptions
from ray_pipeline.core.step_context import Result, StepContext
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.workspace import Workspace, sha256_of
from ray_pipeline.quality.verdicts import MIN_TRAINED_SECONDS
from ray_pipeline.transcripts.uploaded import GivenText, given_transcripts

MAX_GIVEN_SECONDS = 15.0  # a transcript cannot be cut where the slicer cuts

_VERSION = "1"
_MUCH_SILENCE = 0.15
_QUIET_HINT = 'For quiet recordings set params.threshold to "auto", or lower it, e.g. to -50.'


def run(context: StepContext, options: SliceAudioOptions) -> Result:
    """Raises NothingUsable when no recording gives a clip; each reason is in the message."""
    workspace = context.workspace
    converted = Manifest.load(workspace, StepName.CONVERT_AUDIO).usable()
    if not converted:
        raise StepNotReady(
            "There are no converted recordings to slice.",
            hint="Run convert_audio first.",
            missing=[StepName.CONVERT_AUDIO.value],
        )
    given = given_transcripts(workspace.input_audio, context.config.language)
    items = [_item(workspace, entry, given.of(entry.name), options) for entry in converted]
    outcome = make_clips(
        context,
        items,
        slice_one,
        plan=context.plan(min(options.num_processes, len(items))),
        manifest=Manifest(context.step, options.model_dump(), {"slice": _VERSION}),
        folder=workspace.sliced,
        force=options.force,
    )
    manifest = outcome.manifest
    require_usable(context, manifest, "clip", _QUIET_HINT)
    summary = _summary(manifest, outcome.num_reused)
    if options.threshold is None:
        summary["thresholds_db"] = _found(context, manifest)
    doubtful = _quiet(manifest, converted, options) + _too_short(manifest)
    return Result(
        summary=summary,
        warnings=given.problems + set_aside_warnings(manifest) + doubtful,
    )


def slice_one(
    workspace: Workspace,
    source_name: str,
    converted: str,
    given: GivenText | None,
    options: SliceAudioOptions,
) -> list[ClipEntry]:
    """Cut one recording; runs as a Ray task. Raises StepFailed."""
    path = workspace.root / converted
    read, num_samples, settings = ranges_of(path), num_samples_of(path), slicer_settings(options)
    if given is not None:
        start, end = trimmed_bounds(read, num_samples, settings)
        _refuse_too_long(source_name, (end - start) / SAMPLE_RATE, given)
        clip = cut_clip(read, num_samples, start, end, settings)
        details = {"given_text": given.text, "given_language": given.language}
        return [_write(workspace, source_name, clip, details)]
    clips = slice_recording(read, num_samples, settings, max_seconds=options.max_seconds)
    entries = [_write(workspace, source_name, clip, {}) for clip in clips]
    if not entries:
        raise StepFailed(
            f"{source_name} has nothing above the threshold.",
            hint=_QUIET_HINT,
            clip=source_name,
            reason="below_threshold",
        )
    return entries


def slicer_settings(options: SliceAudioOptions) -> SlicerSettings:
    return SlicerSettings(
        threshold_db=options.threshold,
        min_length=options.min_length,
        min_interval=options.min_interval,
        hop_size=options.hop_size,
        max_silence_kept=options.max_sil_kept,
        max_level=options.max,
        alpha=options.alpha,
    )


def _refuse_too_long(source_name: str, seconds: float, given: GivenText) -> None:
    if seconds > MAX_GIVEN_SECONDS:
        raise StepFailed(
            f"{source_name} lasts {seconds:.1f} s and has a transcript of its own "
            f"({given.origin}); such a clip may last {MAX_GIVEN_SECONDS:g} s.",
            hint="Upload shorter files with a transcript each, or leave this transcript out so "
            "that the recording is sliced and recognised.",
            clip=source_name,
            reason="given_too_long",
            seconds=round(seconds, 1),
            transcript=given.origin,
            most=MAX_GIVEN_SECONDS,
        )


def _write(workspace: Workspace, source_name: str, clip: Clip, more: dict[str, Any]) -> ClipEntry:
    path = workspace.sliced / clip.file_name(source_name)
    write_int16(path, clip.samples)
    details = {
        "source": source_name,
        "start": clip.start,
        "end": clip.end,
        "seconds": round(len(clip.samples) / SAMPLE_RATE, 4),
        **more,
    }
    if clip.threshold_db is not None:
        details["threshold_db"] = round(clip.threshold_db, 1)
    return ClipEntry(path.name, "", outputs=[workspace.relative(path)], details=details)


def _item(
    workspace: Workspace, entry: ClipEntry, given: GivenText | None, options: SliceAudioOptions
) -> Item:
    converted = entry.outputs[0]
    digest = sha256_of(workspace.root / converted)
    settings = options.model_dump(exclude={"enabled", "force", "num_processes"})
    transcript = [given.text, given.language] if given else None
    key = fingerprint(version=_VERSION, input=digest, settings=settings, given=transcript)
    arguments = (workspace, entry.name, converted, given, options)
    return Item(entry.name, key, {converted: digest}, arguments)


def _quiet(manifest: Manifest, converted: list[ClipEntry], options: SliceAudioOptions) -> list[str]:
    """A sentence when a fixed threshold left out more than pauses usually are."""
    cut = {e.details["source"] for e in manifest.usable() if "given_text" not in e.details}
    total = sum(entry.details["seconds"] for entry in converted if entry.name in cut)
    kept = sum(e.details["seconds"] for e in manifest.usable() if e.details["source"] in cut)
    if options.threshold is None or total - kept < _MUCH_SILENCE * total:
        return []
    return [
        f"{total - kept:.0f} of {total:.0f} s came into no clip, as lying below the threshold of "
        f'{options.threshold:g} dB. If speech is missing, set params.threshold to "auto".'
    ]


def _found(context: StepContext, manifest: Manifest) -> dict[str, float]:
    """The threshold of each recording that was cut; said in the log too."""
    cut = (entry.details for entry in manifest.usable() if "threshold_db" in entry.details)
    found = {details["source"]: details["threshold_db"] for details in cut}
    if found:
        low, high = min(found.values()), max(found.values())
        span = f"{low:g} dB" if low == high else f"{low:g} to {high:g} dB"
        context.progress.log(f"Thresholds found: {span} ({len(found)} recordings).")
    return found


def _too_short(manifest: Manifest) -> list[str]:
    return [
        f"{entry.name} lasts {entry.details['seconds']:.2f} s; training leaves out clips under "
        f"{MIN_TRAINED_SECONDS:g} s."
        for entry in manifest.usable()
        if entry.details["seconds"] <= MIN_TRAINED_SECONDS
    ]


def _summary(manifest: Manifest, num_reused: int) -> dict[str, object]:
    seconds = [entry.details["seconds"] for entry in manifest.usable()]
    return {
        "clips": len(seconds),
        "seconds": round(sum(seconds), 2),
        "shortest_seconds": min(seconds),
        "longest_seconds": max(seconds),
        "unchanged_files": num_reused,
        "set_aside": set_aside_summary(manifest),
    }
