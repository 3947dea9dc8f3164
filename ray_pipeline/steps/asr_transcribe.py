"""Step 4. Needs sliced/ (takes denoised/ where it is fresh). Makes transcripts/{exp_name}.list.

What the user said or wrote always wins: edits through the API, then rows of a `.list` file
that name a clip, then the transcript that came with the recording. Only the other clips are
recognised, and only those that have changed since the last run.
"""

from __future__ import annotations

from ray_pipeline.clips.engine import require_usable, set_aside_summary, set_aside_warnings
from ray_pipeline.clips.inputs import none_made
from ray_pipeline.clips.recognise import recognise_clips
from ray_pipeline.core.clip_audio import ClipAudio, clip_audio
from ray_pipeline.core.languages import clip_language
from ray_pipeline.core.manifest import ClipEntry, Manifest, fingerprint
from ray_pipeline.core.options import AsrTranscribeOptions
from ray_pipeline.core.step_context import Result, StepContext
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.task import Transcript
from ray_pipeline.transcripts.list_file import ListRow, write_list
from ray_pipeline.transcripts.uploaded import uploaded_transcripts
from ray_pipeline.transcripts.user_edits import (
    UserText,
    overruled_row,
    unused_transcripts,
    user_text,
)

LOW_CONFIDENCE = 0.5  # Whisper base gives clean read speech 0.75 to 0.95


def run(context: StepContext, options: AsrTranscribeOptions) -> Result:
    """Raises NothingUsable when no clip has a text, BackendMissing for a recogniser that was
    asked for by name and is not there."""
    clips = clip_audio(context.workspace)
    if not clips:
        raise none_made(StepName.SLICE_AUDIO, "clips to transcribe")
    language = options.language or context.config.language
    uploaded = uploaded_transcripts(context.workspace.input_audio, language)
    previous = Manifest.load(context.workspace, context.step)
    manifest = Manifest(context.step, options.model_dump())
    unknown, overruled = [], []
    for clip in clips:
        text, before = user_text(context, clip, uploaded, previous), previous.clips.get(clip.name)
        if text is None:
            unknown.append(clip)
        else:
            manifest.add(_user_entry(clip, text, before))
            overruled += overruled_row(clip.name, text, before)
    num_reused, about_recogniser = recognise_clips(
        context, options, unknown, clip_language(language), manifest
    )
    require_usable(context, manifest, "clip with a text", "Upload transcripts.")
    transcripts = [_transcript(context, clip, manifest.clips[clip.name]) for clip in clips]
    _write_list_file(context, clips, transcripts)
    warnings = uploaded.warnings + unused_transcripts(context, uploaded, clips) + overruled
    return Result(
        summary=_summary(manifest, transcripts, num_reused),
        warnings=warnings + about_recogniser + set_aside_warnings(manifest) + _doubtful(manifest),
        transcripts=transcripts,
    )


def _user_entry(clip: ClipAudio, user: UserText, before: ClipEntry | None) -> ClipEntry:
    """`before` may know when it is spoken, which no other text changes."""
    inputs = {clip.path: clip.sha256}
    details = {
        "text": user.text,
        "language": user.language,
        "speaker": user.speaker,
        "source": "user",
        "origin": user.origin,
        "backend": None,
        "confidence": None,
    }
    if before is not None and before.inputs == inputs and "segments" in before.details:
        details["segments"] = before.details["segments"]
    if user.overruled is not None:
        details["overruled"] = user.overruled.text
    key = fingerprint(input=clip.sha256, text=user.text, language=user.language)
    return ClipEntry(clip.name, key, inputs=inputs, details=details)


# -- what comes of it


def _transcript(context: StepContext, clip: ClipAudio, entry: ClipEntry) -> Transcript:
    """The clip's row for the database. One without a text is there too, so that the user can
    write it; what the user decided about including it and its speaker stays."""
    if entry.status != "ok":
        language = clip_language(context.config.language) or "en"
        return Transcript(clip=clip.name, text="", language=language, include=False, source="")
    stored = context.transcripts.get(clip.name)
    details = entry.details
    return Transcript(
        clip=clip.name,
        text=details["text"],
        language=details["language"],
        include=stored.include if stored is not None and stored.text else True,
        speaker=details["speaker"] or (stored.speaker if stored is not None else ""),
        source="user" if details["source"] == "user" else details["backend"],
        confidence=details["confidence"],
    )


def _write_list_file(
    context: StepContext, clips: list[ClipAudio], transcripts: list[Transcript]
) -> None:
    """The included clips, with the folder's name as speaker where none is known, as in the
    original."""
    workspace, exp_name = context.workspace, context.config.exp_name
    rows = [
        ListRow(
            str(workspace.root / clip.path),
            transcript.speaker or exp_name,
            transcript.language,
            transcript.text,
        )
        for clip, transcript in zip(clips, transcripts, strict=True)
        if transcript.include
    ]
    write_list(workspace.list_path(exp_name), rows)


def _doubtful(manifest: Manifest) -> list[str]:
    return [
        f"{entry.name} was recognised with little confidence ({entry.details['confidence']:.2f}): "
        f"“{entry.details['text']}”. Read it, and correct or exclude it."
        for entry in manifest.usable()
        if (entry.details["confidence"] is not None)
        and entry.details["confidence"] < LOW_CONFIDENCE
    ]


def _summary(
    manifest: Manifest, transcripts: list[Transcript], num_reused: int
) -> dict[str, object]:
    by_user = sum(entry.details["source"] == "user" for entry in manifest.usable())
    return {
        "clips": len(manifest.clips),
        "by_user": by_user,
        "recognised": len(manifest.usable()) - by_user,
        "unchanged": num_reused,
        "included": sum(transcript.include for transcript in transcripts),
        "backend": next(iter(manifest.versions), None),
        "recogniser": next(iter(manifest.versions.values()), None),
        "set_aside": set_aside_summary(manifest),
    }
