"""Where the sound of each clip lies: denoised/ where that is fresh, else sliced/."""

from __future__ import annotations

from dataclasses import dataclass

from ray_pipeline.core.errors import NotFound
from ray_pipeline.core.manifest import ClipEntry, Manifest
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.workspace import Workspace, sha256_of


@dataclass(frozen=True)
class ClipAudio:
    """`path` is relative to the task's folder; `sliced` is the slicer's entry of the clip."""

    name: str
    path: str
    sha256: str
    sliced: ClipEntry


def clip_audio(workspace: Workspace) -> list[ClipAudio]:
    """Every clip of the slicer, in the order of its name.

    A denoised clip is taken when it was made from the slice as it is now.
    """
    denoised = Manifest.load(workspace, StepName.DENOISE_AUDIO).clips
    return [
        _current(workspace, sliced, denoised.get(sliced.name))
        for sliced in Manifest.load(workspace, StepName.SLICE_AUDIO).usable()
    ]


def clip_audio_of(workspace: Workspace, name: str) -> ClipAudio:
    """One clip by its name. Raises NotFound."""
    sliced = Manifest.load(workspace, StepName.SLICE_AUDIO).clips.get(name)
    if (
        sliced is None
        or sliced.status != "ok"
        or not (workspace.root / sliced.outputs[0]).is_file()
    ):
        raise NotFound(
            f"The task has no clip {name!r}.",
            hint="GET …/transcripts lists the clips; slice_audio makes them.",
        )
    denoised = Manifest.load(workspace, StepName.DENOISE_AUDIO).clips.get(name)
    return _current(workspace, sliced, denoised)


def _current(workspace: Workspace, sliced: ClipEntry, denoised: ClipEntry | None) -> ClipAudio:
    path = sliced.outputs[0]
    digest = sha256_of(workspace.root / path)
    if denoised is not None and denoised.status == "ok" and denoised.inputs.get(path) == digest:
        cleaned = denoised.outputs[0]
        if (workspace.root / cleaned).is_file():
            return ClipAudio(sliced.name, cleaned, sha256_of(workspace.root / cleaned), sliced)
    return ClipAudio(sliced.name, path, digest, sliced)
