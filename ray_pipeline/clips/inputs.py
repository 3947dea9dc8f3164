"""Which clips a step takes: what an earlier step made, or what the user wants to train on."""

from __future__ import annotations

from ray_pipeline.core.errors import StepNotReady
from ray_pipeline.core.manifest import ClipEntry, Manifest
from ray_pipeline.core.step_context import StepContext
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.task import Transcript
from ray_pipeline.transcripts.list_file import read_list


def made_by(context: StepContext, step: StepName, what: str) -> list[ClipEntry]:
    """The usable entries of an earlier step. Raises StepNotReady ("There are no {what}.") when
    there are none."""
    usable = Manifest.load(context.workspace, step).usable()
    if not usable:
        raise none_made(step, what)
    return usable


def none_made(step: StepName, what: str) -> StepNotReady:
    return StepNotReady(
        f"There are no {what}.", hint=f"Run {step.value} first.", missing=[step.value]
    )


def audio_features(context: StepContext) -> list[ClipEntry]:
    """The clips that extract_audio_features made. Raises StepNotReady when it made none."""
    return made_by(context, StepName.EXTRACT_AUDIO_FEATURES, "audio features")


def included_transcripts(context: StepContext) -> list[Transcript]:
    """What is trained on: transcripts that are included, not empty, and whose clip is there.

    Taken from the database's state, or from the list file where there is none. Sorted by clip.
    Raises StepNotReady when there is no transcript at all or none of them is left.
    """
    known = list(context.transcripts.values()) or _from_list_file(context)
    if not known:
        raise StepNotReady(
            "There are no transcripts.",
            hint="Run asr_transcribe, or upload a .list file and run it then.",
            missing=[StepName.ASR_TRANSCRIBE.value],
        )
    clips = {
        entry.name for entry in Manifest.load(context.workspace, StepName.SLICE_AUDIO).usable()
    }
    usable = [
        transcript
        for transcript in known
        if transcript.include and transcript.text.strip() and transcript.clip in clips
    ]
    if not usable:
        raise StepNotReady(
            f"None of the {len(known)} transcripts can be used: each is excluded, empty or of a "
            "clip that is gone.",
            hint="Include some of them, or run asr_transcribe again.",
            missing=[StepName.ASR_TRANSCRIBE.value],
        )
    return sorted(usable, key=lambda transcript: transcript.clip)


def _from_list_file(context: StepContext) -> list[Transcript]:
    path = context.workspace.list_path(context.config.exp_name)
    if not path.is_file():
        return []
    rows, _ = read_list(path)
    return [
        Transcript(clip=row.file_name, text=row.text, language=row.language, speaker=row.speaker)
        for row in rows
    ]
