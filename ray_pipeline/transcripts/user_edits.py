"""What the user says about the clips: edits, rows of lists, texts beside recordings."""

from __future__ import annotations

from dataclasses import dataclass

from ray_pipeline.core.clip_audio import ClipAudio
from ray_pipeline.core.manifest import ClipEntry, Manifest
from ray_pipeline.core.step_context import StepContext
from ray_pipeline.core.task import Transcript
from ray_pipeline.transcripts.list_file import name_key
from ray_pipeline.transcripts.uploaded import UploadedText, UploadedTranscripts, recordings_in


@dataclass(frozen=True)
class UserText:
    """`origin` is the uploaded file that it came from, or "edit"; `overruled` is a row of a list
    that says otherwise than the edit."""

    text: str
    language: str
    speaker: str
    origin: str
    overruled: UploadedText | None = None


def user_text(
    context: StepContext, clip: ClipAudio, uploaded: UploadedTranscripts, previous: Manifest
) -> UserText | None:
    """The user's words for a clip, None where there are none."""
    edited = context.transcripts.get(clip.name)
    row = uploaded.of(clip.name)
    if edited is not None and _is_edit(edited, previous.clips.get(clip.name)):
        other = row if row is not None and row.text != edited.text else None
        return UserText(edited.text, edited.language, edited.speaker, "edit", other)
    if row is None and _is_whole_recording(clip.sliced):
        row = uploaded.of(clip.sliced.details["source"])
    if row is None:
        return None
    return UserText(row.text, row.language, row.speaker, row.origin)


def _is_whole_recording(sliced: ClipEntry) -> bool:
    """Whether the clip was not cut, because its recording came with a text. (The second name is
    that of manifests before November 2026.)"""
    return "uploaded_text" in sliced.details or "given_text" in sliced.details


def _is_edit(stored: Transcript, entry: ClipEntry | None) -> bool:
    """Whether a stored text was written by the user, and is not just what the last run (which
    made `entry`) read from an upload: then the upload counts, as it is now."""
    if stored.source != "user" or not stored.text:
        return False
    if entry is None or entry.details.get("origin", "edit") == "edit":
        return True
    return (stored.text, stored.language) != (entry.details["text"], entry.details["language"])


def overruled_row(clip: str, user: UserText, before: ClipEntry | None) -> list[str]:
    """A sentence about a row that came after the edit that overrules it, in the first run that
    meets it; a list that the edit corrects is no news. `before` is of the last run."""
    row = user.overruled
    known = [before.details.get(name) for name in ("text", "overruled")] if before else []
    if row is None or row.text in known:
        return []
    return [
        f"{row.origin} has another text for {clip} than your edit, which was kept. A corrected "
        "list is sent back with `gsv transcripts load`, or on the page."
    ]


def unused_transcripts(
    context: StepContext, uploaded: UploadedTranscripts, clips: list[ClipAudio]
) -> list[str]:
    """Sentences about transcripts that no clip has taken."""
    recordings = {path.name for path in recordings_in(context.workspace.input_audio)}
    whole = {clip.sliced.details["source"] for clip in clips if _is_whole_recording(clip.sliced)}
    by_hand = {clip.sliced.details["source"] for clip in clips if "by_hand" in clip.sliced.details}
    known = {name_key(clip.name) for clip in clips}
    warnings = []
    for name, text in uploaded.by_name.items():
        if name in recordings:
            if name not in whole | by_hand:
                warnings.append(
                    f"{text.origin} has a transcript of {name}, which was not taken: run "
                    "slice_audio again so that the recording stays one clip."
                )
        elif name_key(name) not in known:
            warnings.append(f"{text.origin} names {name}, which is no recording and no clip.")
    return warnings
