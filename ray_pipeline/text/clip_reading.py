"""How the clips of a task were read, so that its voice is spoken with what it learned."""

from __future__ import annotations

from ray_pipeline.core.manifest import Manifest
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.workspace import Workspace

_STRICT = "strict_compat"


def write_reading(manifest: Manifest, *, strict_compat: bool) -> None:
    """Into the manifest of extract_text_features: that its clips are read so."""
    manifest.versions[_STRICT] = str(strict_compat)


def clips_read_strictly(workspace: Workspace) -> bool | None:
    """Whether the clips were read with `strict_compat`; None where none were read here. Those
    read before there was a choice were."""
    manifest = Manifest.load(workspace, StepName.EXTRACT_TEXT_FEATURES)
    return manifest.versions.get(_STRICT, "True") == "True" if manifest.clips else None


def read_by_other_rules(workspace: Workspace, *, strict_compat: bool) -> list[str]:
    """A warning where a text is read by other rules than the clips."""
    clips = clips_read_strictly(workspace)
    if clips in (None, strict_compat):
        return []
    with_, without = ("with", "without") if clips else ("without", "with")
    return [
        f"The clips of this voice were read {with_} strict_compat, this text is read {without} it, "
        "so some of its words are written in phones that the voice learned otherwise."
    ]
