"""What the user says about the clips: edits, rows of lists, texts beside recordings."""

from __future__ import annotations

from dataclasses import dataclass

from ray_pipeline.asr.given import GivenTranscripts, recordings_in
from ray_pipeline.manifest import ClipEntry, Manifest
from ray_pipeline.steps.clip_audio import ClipAudio
from ray_pipeline.steps.context import StepContext
from ray_pipeline.task import Transcript


@dataclass(frozen=True)
class UserText:
    """`origin` is the uploaded file that it came from, or "edit"."""

    text: str
    language: str
    speaker: str
    origin: str


def user_text(
    context: StepContext, clip: ClipAudio, given: GivenTranscripts, previous: Manifest
) -> UserText | None:
    """The user's words for a clip, None where there are none."""
    edited = context.transcripts.get(clip.name)
    if edited is not None and _is_edit(edited, previous.clips.get(clip.name)):
        return UserText(edited.text, edited.language, edited.speaker, "edit")
    row = given.of(clip.name)
    if row is None and "given_text" in clip.sliced.details:
        row = given.of(clip.sliced.details["source"])
    if row is None:
        return None
    return UserText(row.text, row.language, row.speaker, row.origin)


def _is_edit(stored: Transcript, entry: ClipEntry | None) -> bool:
    """Whether a stored text was written by the user, and is not just what the last run (which
    made `entry`) read from an upload: then the upload counts, as it is now."""
    if stored.source != "user" or not stored.text:
        return False
    if entry is None or entry.details.get("origin", "edit") == "edit":
        return True
    return (stored.text, stored.language) != (entry.details["text"], entry.details["language"])


def unused_transcripts(
    context: StepContext, given: GivenTranscripts, clips: list[ClipAudio]
) -> list[str]:
    """Sentences about transcripts that no clip has taken."""
    folder = context.workspace.input_audio
    recordings = {path.name for path in recordings_in(folder)} if folder.is_dir() else set()
    whole = {clip.sliced.details["source"] for clip in clips if "given_text" in clip.sliced.details}
    known = {clip.name for clip in clips}
    warnings = []
    for name, text in given.by_name.items():
        if name in recordings:
            if name not in whole:
                warnings.append(
                    f"{text.origin} has a transcript of {name}, which was not taken: run "
                    "slice_audio again so that the recording stays one clip."
                )
        elif name not in known:
            warnings.append(f"{text.origin} names {name}, which is no recording and no clip.")
    return warnings
