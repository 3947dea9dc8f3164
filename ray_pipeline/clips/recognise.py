"""The part of asr_transcribe that a recogniser does, as Ray tasks of several clips each."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from ray_pipeline.asr.recognition import (
    Recognised,
    RecogniserChoice,
    choose_recogniser,
    load_recogniser,
    transcribe,
)
from ray_pipeline.clips.engine import work_through
from ray_pipeline.clips.ray_tasks import RayTasks
from ray_pipeline.clips.work import Clip, ClipResult, Made, WorkItem
from ray_pipeline.core.clip_audio import ClipAudio
from ray_pipeline.core.errors import BackendMissing, StepFailed
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
) -> int:
    """Add the entries of `clips` to the manifest and save it; returns how many were unchanged.

    Where there is no recogniser each of them is set aside.
    """
    try:
        choice = choose_recogniser(options.backend, context.models_dir, language, options.precision)
    except BackendMissing as missing:
        for clip in clips:
            manifest.add(_without_text(clip, f"{clip.name} has no transcript. {missing}"))
        manifest.save(context.workspace)
        return 0
    manifest.versions = {choice.backend: choice.version}
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
    return work.num_reused


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


def _result(name: str, heard: Recognised, choice: RecogniserChoice, precision: str) -> ClipResult:
    if heard.problem:
        failure = StepFailed(
            f"{name} could not be recognised: {heard.problem}",
            hint="Run asr_transcribe again with force, or write its transcript.",
            clip=name,
        )
        return ClipResult(name, error=failure)
    text = " ".join(heard.text.replace("|", " ").split())
    if not text:
        failure = StepFailed(
            f"No speech was recognised in {name}.",
            hint="Listen to it, or write its transcript.",
            reason="no_speech",
        )
        return ClipResult(name, error=failure)
    spoken = clip_language(heard.language)
    if spoken is None:
        failure = StepFailed(
            f"{name} was heard as the language {heard.language!r}, which cannot be trained.",
            hint="Set params.language if that is wrong, or leave the recording out.",
            reason="wrong_language",
            language=heard.language,
        )
        return ClipResult(name, error=failure)
    details = {
        "text": text,
        "language": spoken,
        "speaker": "",
        "source": "asr",
        "backend": choice.backend,
        "precision": precision,
        "confidence": heard.confidence,
        "segments": [list(span) for span in heard.segments],
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


def other_precision(manifest: Manifest, wanted: str | None) -> list[str]:
    """A sentence where the back-end computed in another precision than was asked for."""
    used = {str(e.details["precision"]) for e in manifest.usable() if "precision" in e.details}
    if wanted is None or not used or used == {wanted}:
        return []
    backend = next(iter(manifest.versions), "the recogniser")
    return [f"{backend} cannot compute in {wanted} here; it used {', '.join(sorted(used))}."]
