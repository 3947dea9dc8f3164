"""The part of asr_transcribe that a recogniser does, as Ray tasks of several clips each."""

from __future__ import annotations

import math

from ray_pipeline.asr.recognition import (
    Recognised,
    RecogniserChoice,
    choose_recogniser,
    load_recogniser,
    transcribe,
)
from ray_pipeline.clips.ray_tasks import Item, make_clips
from ray_pipeline.core.clip_audio import ClipAudio
from ray_pipeline.core.errors import BackendMissing, StepFailed
from ray_pipeline.core.languages import clip_language
from ray_pipeline.core.manifest import ClipEntry, Manifest, fingerprint
from ray_pipeline.core.options import AsrTranscribeOptions
from ray_pipeline.core.resources import WorkerPlan
from ray_pipeline.core.step_context import StepContext
from ray_pipeline.core.workspace import Workspace

_VERSION = "2"
# Enough to fill the back-ends' batches; on a CPU they hear one piece after the other anyway.
_CLIPS_A_TASK_ON_GPU = 32


def recognise_clips(
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
    share = math.ceil(len(items) / plan.num_workers)
    outcome = make_clips(
        context,
        items,
        recognise,
        plan=plan,
        manifest=manifest,
        folder=None,
        force=options.force,
        batch_size=min(_CLIPS_A_TASK_ON_GPU, max(1, share)) if plan.use_gpu else 1,
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


Task = tuple[Workspace, str, str, str | None, RecogniserChoice, WorkerPlan]


def recognise(tasks: list[Task]) -> list[list[ClipEntry] | StepFailed]:
    """Recognise clips of one step; runs as a Ray task. A clip's entry, or why it has none."""
    workspace, _, _, language, choice, plan = tasks[0]
    num_threads = max(1, round(plan.cpus_per_worker))
    paths = [workspace.root / path for _, _, path, *_ in tasks]
    answers = transcribe(paths, language, choice, use_gpu=plan.use_gpu, num_threads=num_threads)
    precision = load_recogniser(choice, plan.use_gpu, num_threads).precision
    return [
        _entry(name, heard, choice, precision)
        for (_, name, *_), heard in zip(tasks, answers, strict=True)
    ]


def _entry(
    name: str, heard: Recognised, choice: RecogniserChoice, precision: str
) -> list[ClipEntry] | StepFailed:
    if heard.problem:
        return StepFailed(
            f"{name} could not be recognised: {heard.problem}",
            hint="Run asr_transcribe again with force, or write its transcript.",
        )
    text = " ".join(heard.text.replace("|", " ").split())
    if not text:
        return StepFailed(
            f"No speech was recognised in {name}.",
            hint="Listen to it, or write its transcript.",
            reason="no_speech",
        )
    spoken = clip_language(heard.language)
    if spoken is None:
        return StepFailed(
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
        "precision": precision,
        "confidence": heard.confidence,
        "segments": [list(span) for span in heard.segments],
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


def other_precision(manifest: Manifest, wanted: str | None) -> list[str]:
    """A sentence where the back-end computed in another precision than was asked for."""
    used = {str(e.details["precision"]) for e in manifest.usable() if "precision" in e.details}
    if wanted is None or not used or used == {wanted}:
        return []
    backend = next(iter(manifest.versions), "the recogniser")
    return [f"{backend} cannot compute in {wanted} here; it used {', '.join(sorted(used))}."]
