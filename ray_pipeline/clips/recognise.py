"""The part of asr_transcribe that a recogniser does, as Ray tasks of several clips each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from ray_pipeline.asr.backends import (
    RecogniserChoice,
    choose_recogniser,
    known_errors,
    load_recogniser,
)
from ray_pipeline.asr.recogniser import Recognition, name_for_people
from ray_pipeline.asr.transcribing import transcribe
from ray_pipeline.clips.engine import work_through
from ray_pipeline.clips.ray_tasks import RayTasks
from ray_pipeline.clips.work import Clip, ClipResult, Made, WorkItem
from ray_pipeline.core.clip_audio import ClipAudio
from ray_pipeline.core.errors import BackendMissing, NothingUsable, StepFailed
from ray_pipeline.core.languages import clip_language
from ray_pipeline.core.manifest import ClipEntry, Manifest, fingerprint
from ray_pipeline.core.options import AsrTranscribeOptions
from ray_pipeline.core.resources import WorkerPlan
from ray_pipeline.core.step_context import StepContext

_VERSION = "2"
# Enough to fill the back-ends' batches; on a CPU they take one piece after the other anyway.
_CLIPS_A_TASK_ON_GPU = 32


def recognise_clips(
    context: StepContext,
    options: AsrTranscribeOptions,
    clips: list[ClipAudio],
    language: str | None,
    manifest: Manifest,
) -> tuple[int, list[str]]:
    """Add the entries of `clips` to the manifest and save it; how many were unchanged, and what
    the user should know about the recogniser.

    Where there is none, each clip is set aside; NothingUsable is raised when no clip has a text
    at all, BackendMissing for a back-end that was asked for by name.
    """
    if not clips:
        manifest.save(context.workspace)
        return 0, []
    try:
        choice = choose_recogniser(options.backend, context.models_dir, language, options.precision)
    except BackendMissing as missing:
        if options.backend != "auto":
            raise
        return 0, [_without_recogniser(context, clips, manifest, missing)]
    manifest.versions = {choice.backend: choice.version}
    context.progress.log(f"The texts are written by {choice.backend} ({choice.version}).")
    plan = context.plan(len(clips))
    work = work_through(
        context,
        [_item(context, clip, language, choice) for clip in clips],
        RayTasks(
            partial(recognise, language=language, choice=choice, plan=plan),
            plan,
            clips_per_task=_CLIPS_A_TASK_ON_GPU if plan.use_gpu else 1,
        ),
        manifest=manifest,
        force=options.force,
    )
    return work.num_reused, _other_precision(manifest, choice) + _often_wrong(manifest, choice)


def _without_recogniser(
    context: StepContext, clips: list[ClipAudio], manifest: Manifest, missing: BackendMissing
) -> str:
    has_texts = bool(manifest.usable())
    for clip in clips:
        manifest.add(_without_text(clip, f"{clip.name} has no transcript."))
    manifest.save(context.workspace)
    if not has_texts:
        raise NothingUsable(
            f"None of the {len(clips)} clips has a transcript. {missing.message}",
            hint=missing.hint,
            step=context.step.value,
        )
    return f"{len(clips)} clips have no transcript. {missing}"


def _item(
    context: StepContext, audio: ClipAudio, language: str | None, choice: RecogniserChoice
) -> WorkItem:
    key = fingerprint(
        version=_VERSION,
        input=audio.sha256,
        language=language,
        recogniser=[choice.backend, choice.version, choice.precision],
    )
    clip = Clip(audio.name, str(context.workspace.root / audio.path))
    return WorkItem(clip, key, audio.sha256)


def recognise(
    clips: Sequence[Clip], language: str | None, choice: RecogniserChoice, plan: WorkerPlan
) -> list[ClipResult]:
    """Runs in a Ray task. The recogniser is loaded once a process and kept."""
    num_threads = max(1, round(plan.cpus_per_worker))
    paths = [Path(clip.path) for clip in clips]
    answers = transcribe(paths, language, choice, use_gpu=plan.use_gpu, num_threads=num_threads)
    precision = load_recogniser(choice, plan.use_gpu, num_threads).precision
    return [
        _result(clip.name, answer, choice, precision)
        for clip, answer in zip(clips, answers, strict=True)
    ]


def _result(name: str, answer: Recognition, choice: RecogniserChoice, precision: str) -> ClipResult:
    if answer.problem:
        failure = StepFailed(
            f"{name} could not be recognised: {answer.problem}",
            hint="Run asr_transcribe again with force, or write its transcript.",
            clip=name,
        )
        return ClipResult(name, error=failure)
    text = " ".join(answer.text.replace("|", " ").split())
    if not text:
        failure = StepFailed(
            f"No speech was recognised in {name}.",
            hint="Listen to it, or write its transcript.",
            reason="no_speech",
        )
        return ClipResult(name, error=failure)
    spoken = clip_language(answer.language)
    if spoken is None:
        failure = StepFailed(
            f"{name} was recognised as the language {answer.language!r}, which cannot be trained.",
            hint="Set params.language if that is wrong, or leave the recording out.",
            reason="wrong_language",
            language=answer.language,
        )
        return ClipResult(name, error=failure)
    details = {
        "text": text,
        "language": spoken,
        "speaker": "",
        "source": "asr",
        "backend": choice.backend,
        "precision": precision,
        "confidence": answer.confidence,
        "segments": [list(span) for span in answer.segments],
    }
    return ClipResult(name, [Made(name, details)])


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


def _other_precision(manifest: Manifest, choice: RecogniserChoice) -> list[str]:
    """A sentence where the back-end computed in another precision than was asked for."""
    used = {str(e.details["precision"]) for e in manifest.usable() if "precision" in e.details}
    wanted = choice.precision
    if wanted is None or not used or used == {wanted}:
        return []
    others = ", ".join(sorted(used))
    return [f"{choice.backend} cannot compute in {wanted} here; it used {others}."]


def _often_wrong(manifest: Manifest, choice: RecogniserChoice) -> list[str]:
    """A sentence a language, where the recogniser is known to get much of it wrong."""
    written = [entry.details for entry in manifest.usable() if entry.details["source"] == "asr"]
    sentences = []
    name = name_for_people(choice.version)
    for language, count in Counter(details["language"] for details in written).items():
        known = known_errors(choice.backend, choice.version, language)
        if known is not None:
            sentences.append(
                f"{count} text{' was' if count == 1 else 's were'} written by {name}: "
                f"{known}, also where it is sure. "
                f"Read and correct them, or `gsv models pull {known.pull}` and run "
                "asr_transcribe again."
            )
    return sentences
