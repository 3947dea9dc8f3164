"""Step 2. Needs converted_wav/. Makes sliced/, clips of mono 32 kHz int16.

A recording that a person has cut is cut so; one that comes with its own transcript stays one
clip. Recordings whose clips are there already, cut in the same way, are left alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ray_pipeline.audio.slicing import (
    Slice,
    SlicerSettings,
    cut_clip,
    slice_recording,
    trimmed_bounds,
)
from ray_pipeline.audio.wav import num_samples_of, ranges_of, write_int16
from ray_pipeline.clips.engine import (
    require_usable,
    set_aside_summary,
    set_aside_warnings,
    work_through,
)
from ray_pipeline.clips.inputs import made_by
from ray_pipeline.clips.ray_tasks import RayTasks
from ray_pipeline.clips.work import Clip, Made, WorkItem
from ray_pipeline.core.audio_format import SAMPLE_RATE
from ray_pipeline.core.errors import StepFailed
from ray_pipeline.core.hand_cuts import Range
from ray_pipeline.core.manifest import ClipEntry, Manifest, fingerprint
from ray_pipeline.core.options import SliceAudioOptions
from ray_pipeline.core.step_context import Result, StepContext
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.workspace import Workspace, sha256_of
from ray_pipeline.quality.verdicts import MIN_TRAINED_SECONDS
from ray_pipeline.transcripts.uploaded import UploadedText, uploaded_transcripts

MAX_SECONDS_WITH_TEXT = 15.0  # a transcript cannot be cut where the slicer cuts

_VERSION = "2"
_MUCH_SILENCE = 0.15
_NOT_SLICED = {"uploaded_text", "by_hand"}  # in the details of a clip that is no slicer's choice
_QUIET_HINT = 'For quiet recordings set params.threshold to "auto", or lower it, e.g. to -50.'


def run(context: StepContext, options: SliceAudioOptions) -> Result:
    """Raises NothingUsable when no recording gives a clip; each reason is in the message."""
    workspace = context.workspace
    converted = made_by(context, StepName.CONVERT_AUDIO, "converted recordings to slice")
    uploaded = uploaded_transcripts(workspace.input_audio, context.config.language)
    manifest = Manifest(context.step, options.model_dump(), {"slice": _VERSION})
    items, by_hand, outdated = [], {}, []
    for entry in converted:
        digest = sha256_of(workspace.root / entry.outputs[0])
        cuts = context.hand_cuts.get(entry.name)
        if cuts is not None and cuts.sha256 == digest:
            by_hand[entry.name] = cuts.ranges
        elif cuts is not None:
            outdated.append(_other_recording(entry.name))
        ranges = by_hand.get(entry.name)
        items.append(_item(workspace, entry, digest, uploaded.of(entry.name), options, ranges))
    slice_one = partial(slice_converted, folder=workspace.sliced, options=options, by_hand=by_hand)
    work = work_through(
        context,
        items,
        RayTasks.one_by_one(slice_one, context.plan(min(options.num_processes, len(converted)))),
        manifest=manifest,
        folders=[workspace.sliced],
        force=options.force,
    )
    require_usable(context, manifest, "clip", _QUIET_HINT)
    summary = _summary(manifest, work.num_reused) | {"cut_by_hand": sorted(by_hand)}
    if options.threshold is None:
        summary["thresholds_db"] = _thresholds_db(context, manifest)
    doubtful = _below_threshold(manifest, converted, options) + _too_short(manifest)
    return Result(
        summary=summary,
        warnings=uploaded.warnings + outdated + set_aside_warnings(manifest) + doubtful,
    )


def slice_converted(
    recording: Clip,
    *,
    folder: Path,
    options: SliceAudioOptions,
    by_hand: Mapping[str, Sequence[Range]],
) -> list[Made]:
    """Cut one recording: where a person did, if one did (`by_hand`, by its name); it stays whole
    when it has a text. Runs in a Ray task. Raises StepFailed."""
    path = Path(recording.path)
    read, num_samples, settings = ranges_of(path), num_samples_of(path), slicer_settings(options)
    if recording.name in by_hand:
        return [
            _write(
                folder,
                recording.name,
                cut_clip(read, num_samples, start, end, settings),
                {"by_hand": True},
            )
            for start, end in by_hand[recording.name]
        ]
    if recording.text:
        start, end = trimmed_bounds(read, num_samples, settings)
        _refuse_too_long(recording, (end - start) / SAMPLE_RATE)
        whole = cut_clip(read, num_samples, start, end, settings)
        details = {"uploaded_text": recording.text, "uploaded_language": recording.language}
        return [_write(folder, recording.name, whole, details)]
    slices = slice_recording(read, num_samples, settings, max_seconds=options.max_seconds)
    made = [_write(folder, recording.name, one, {}) for one in slices]
    if not made:
        raise StepFailed(
            f"{recording.name} has nothing above the threshold.",
            hint=_QUIET_HINT,
            clip=recording.name,
            reason="below_threshold",
        )
    return made


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


def _refuse_too_long(recording: Clip, seconds: float) -> None:
    if seconds > MAX_SECONDS_WITH_TEXT:
        raise StepFailed(
            f"{recording.name} lasts {seconds:.1f} s and has a transcript of its own "
            f"({recording.origin}); such a clip may last {MAX_SECONDS_WITH_TEXT:g} s.",
            hint="Upload shorter files with a transcript each, or leave this transcript out so "
            "that the recording is sliced and recognised.",
            clip=recording.name,
            reason="given_too_long",
            seconds=round(seconds, 1),
            transcript=recording.origin,
            most=MAX_SECONDS_WITH_TEXT,
        )


def _write(folder: Path, source_name: str, piece: Slice, more: dict[str, Any]) -> Made:
    path = folder / piece.file_name(source_name)
    write_int16(path, piece.samples)
    details = {
        "source": source_name,
        "start": piece.start,
        "end": piece.end,
        "seconds": round(len(piece.samples) / SAMPLE_RATE, 4),
        **more,
    }
    if piece.threshold_db is not None:
        details["threshold_db"] = round(piece.threshold_db, 1)
    return Made(path.name, details, [path])


def _item(
    workspace: Workspace,
    entry: ClipEntry,
    digest: str,
    transcript: UploadedText | None,
    options: SliceAudioOptions,
    by_hand: Sequence[Range] | None,
) -> WorkItem:
    path = workspace.root / entry.outputs[0]
    settings = options.model_dump(exclude={"enabled", "force", "num_processes"})
    words = [transcript.text, transcript.language] if transcript else None
    made_from = {"input": digest, "settings": settings, "uploaded": words}
    cuts = {} if by_hand is None else {"by_hand": by_hand}
    key = fingerprint(version=_VERSION, **made_from, **cuts)
    texts = (transcript.text, transcript.language, transcript.origin) if transcript else ()
    return WorkItem(Clip(entry.name, str(path), *texts), key, digest)


def _other_recording(name: str) -> str:
    return (
        f"{name} is another recording than the one that was cut by hand, so it was cut at its "
        "pauses. Cut it again, or have the old cuts forgotten (DELETE …/cuts)."
    )


def _below_threshold(
    manifest: Manifest, converted: list[ClipEntry], options: SliceAudioOptions
) -> list[str]:
    """A sentence when a fixed threshold left out more than pauses usually are."""
    cut = {e.details["source"] for e in manifest.usable() if not e.details.keys() & _NOT_SLICED}
    total = sum(entry.details["seconds"] for entry in converted if entry.name in cut)
    kept = sum(e.details["seconds"] for e in manifest.usable() if e.details["source"] in cut)
    if not cut or options.threshold is None or total - kept < _MUCH_SILENCE * total:
        return []
    return [
        f"{total - kept:.0f} of {total:.0f} s came into no clip, as lying below the threshold of "
        f'{options.threshold:g} dB. If speech is missing, set params.threshold to "auto".'
    ]


def _thresholds_db(context: StepContext, manifest: Manifest) -> dict[str, float]:
    """The threshold of each recording that was cut; said in the log too."""
    cut = (entry.details for entry in manifest.usable() if "threshold_db" in entry.details)
    thresholds = {details["source"]: details["threshold_db"] for details in cut}
    if thresholds:
        low, high = min(thresholds.values()), max(thresholds.values())
        span = f"{low:g} dB" if low == high else f"{low:g} to {high:g} dB"
        context.progress.log(f"Thresholds found: {span} ({len(thresholds)} recordings).")
    return thresholds


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
