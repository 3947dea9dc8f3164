"""When each clip is spoken: where it lies in its recording, and where in it there is speech."""

from __future__ import annotations

from ray_pipeline.core.audio_format import SAMPLE_RATE
from ray_pipeline.core.manifest import ClipEntry, Manifest
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.task import ClipTiming
from ray_pipeline.core.workspace import Workspace


def clip_timings(workspace: Workspace) -> dict[str, ClipTiming]:
    """By the clip's name, for every clip of the slicer."""
    heard = Manifest.load(workspace, StepName.ASR_TRANSCRIBE).clips
    return {
        sliced.name: _timing(sliced, heard.get(sliced.name))
        for sliced in Manifest.load(workspace, StepName.SLICE_AUDIO).usable()
    }


def _timing(sliced: ClipEntry, heard: ClipEntry | None) -> ClipTiming:
    spans = heard.details.get("segments") if heard else None
    return ClipTiming(
        recording=sliced.details["source"],
        start=round(sliced.details["start"] / SAMPLE_RATE, 2),
        end=round(sliced.details["end"] / SAMPLE_RATE, 2),
        speech=None if spans is None else [(start, end) for start, end in spans],
    )
