"""Step 4. Needs sliced/ (takes denoised/ where it is fresh). Makes transcripts/{exp_name}.list.

What the user said or wrote always wins: edits through the API, then rows of a `.list` file
that name a clip, then the transcript that came with the recording. Only the other clips are
recognised, and only those that have changed since the last run.
"""

from __future__ import annotations

from ray_pipeline.asr.given import given_transcripts
from ray_pipeline.asr.languages import trainable_language
from ray_pipeline.asr.list_file import ListRow, write_list
from ray_pipeline.asr.recognition import RecogniserChoice, choose_recogniser, transcribe
from ray_pipeline.errors import BackendMissing, StepFailed, StepNotReady
from ray_pipeline.manifest import ClipEntry, Manifest, fingerprint
from ray_pipeline.options import AsrTranscribeOptions
from ray_pipeline.resources import WorkerPlan
from ray_pipeline.step_names import StepName
from ray_pipeline.steps.clip_audio import ClipAudio, clip_audio
from ray_pipeline.steps.clipwise import (
    Item,
    make_clips,
    require_usable,
    set_aside_summary,
    set_aside_warnings,
)
from ray_pipeline.steps.context import Result, StepContext
from ray_pipeline.steps.user_transcripts import UserText, unused_transcripts, user_text
from ray_pipeline.task import Transcript
from ray_pipeline.workspace import Workspace

LOW_CONFIDENCE = 0.5  # Whisper base gives clean read speech 0.65 to 0.85

_VERSION = "1"


def run(context: StepContext, options: AsrTranscribeOptions) -> Result:
    """Raises NothingUsable when no clip has a text; each reason is in the message."""
    clips = clip_audio(context.workspace)
    if not clips:
        raise StepNotReady(
            "There are no clips to transcribe.",
            hint="Run slice_audio first.",
            missing=[StepName.SLICE_AUDIO.value],
        )
    language = options.language or context.config.language
    given = given_transcripts(context.workspace.input_audio, language)
    previous = Manifest.load(context.workspace, context.step)
    manifest = Manifest(context.step, options.model_dump())
    unknown = []
    for clip in clips:
        text = user_text(context, clip, given, previous)
        if text is None:
            unknown.append(clip)
        else:
            manifest.add(_user_entry(clip, text))
    outcome = _recognise(context, options, unknown, trainable_language(language), manifest)
    require_usable(
        context, manifest, "clip with a text", "Upload transcripts, or install a recogniser."
    )
    transcripts = [_transcript(context, clip, manifest.clips[clip.name]) for clip in clips]
    _write_list_file(context, clips, transcripts)
    warnings = (
        given.problems + unused_transcripts(context, given, clips) + set_aside_warnings(manifest)
    )
    return Result(
        summary=_summary(manifest, transcripts, outcome),
        warnings=warnings + _doubtful(manifest),
        transcripts=transcripts,
    )


def _user_entry(clip: ClipAudio, user: UserText) -> ClipEntry:
    details = {
        "text": user.text,
        "language": user.language,
        "speaker": user.speaker,
        "source": "user",
        "origin": user.origin,
        "backend": None,
        "confidence": None,
    }
    key = fingerprint(input=clip.sha256, text=user.text, language=user.language)
    return ClipEntry(clip.name, key, inputs={clip.path: clip.sha256}, details=details)


# -- what a recogniser hears


def _recognise(
    context: StepContext,
    options: AsrTranscribeOptions,
    clips: list[ClipAudio],
    language: str | None,
    manifest: Manifest,
) -> int:
    """Add the entries of `clips` to the manifest and save it; returns how many were unchanged."""
    plan = context.plan(len(clips))
    items = []
    if clips:
        try:
            choice = choose_recogniser(
                options.backend, context.models_dir, language, options.precision
            )
            manifest.versions = {choice.backend: choice.version}
            items = [_item(context.workspace, clip, language, choice, plan) for clip in clips]
        except BackendMissing as missing:
            for clip in clips:
                manifest.add(_without_text(clip, f"{clip.name} has no transcript. {missing}"))
    outcome = make_clips(
        context,
        items,
        recognise_one,
        plan=plan,
        manifest=manifest,
        folder=None,
        force=options.force,
    )
    return outcome.num_reused


def _item(
    workspace: Workspace,
    clip: ClipAudio,
    language: str | None,
    choice: RecogniserChoice,
    plan: WorkerPlan,
) -> Item:
    key = fingerprint(
        version=_VERSION,
        input=clip.sha256,
        language=language,
        recogniser=[choice.backend, choice.version, choice.precision],
    )
    arguments = (workspace, clip.name, clip.path, language, choice, plan)
    return Item(clip.name, key, {clip.path: clip.sha256}, arguments)


def recognise_one(
    workspace: Workspace,
    name: str,
    path: str,
    language: str | None,
    choice: RecogniserChoice,
    plan: WorkerPlan,
) -> list[ClipEntry]:
    """Recognise one clip; runs as a Ray task. Raises StepFailed."""
    heard = transcribe(
        [workspace.root / path],
        language,
        choice,
        use_gpu=plan.use_gpu,
        num_threads=max(1, round(plan.cpus_per_worker)),
    )[0]
    text = " ".join(heard.text.replace("|", " ").split())
    if not text:
        raise StepFailed(
            f"No speech was recognised in {name}.",
            hint="Listen to it, or write its transcript.",
            reason="no_speech",
        )
    spoken = trainable_language(heard.language)
    if spoken is None:
        raise StepFailed(
            f"{name} was heard as the language {heard.language!r}, which cannot be trained.",
            hint="Set params.language if that is wrong, or leave the recording out.",
            reason="wrong_language",
            language=heard.language,
        )
    details = {
        "text": text,
        "language": spoken,
        "speaker": "",
        "source": "asr",
        "backend": choice.backend,
        "confidence": heard.confidence,
    }
    return [ClipEntry(name, "", details=details)]


def _without_text(clip: ClipAudio, reason: str) -> ClipEntry:
    key = fingerprint(input=clip.sha256, reason=reason)
    return ClipEntry(
        clip.name,
        key,
        "set_aside",
        reason,
        facts={"reason": "no_recogniser"},
        inputs={clip.path: clip.sha256},
    )


# -- what comes of it


def _transcript(context: StepContext, clip: ClipAudio, entry: ClipEntry) -> Transcript:
    """The clip's row for the database. One without a text is there too, so that the user can
    write it; what the user decided about including it and its speaker stays."""
    if entry.status != "ok":
        language = trainable_language(context.config.language) or "en"
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
        if (entry.details["confidence"] or 1.0) < LOW_CONFIDENCE
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
        "set_aside": set_aside_summary(manifest),
    }
