"""Eleven tiny steps that do real work on files, so that a test of the coordinator is quick.

Each joins what the steps before it made with its own name, and keeps a manifest. Files in the
task's input_audio steer them: `slow` makes each step take its number of seconds, `fail_at`
names a step that fails, `crash_at` one that raises what nobody expected.
"""

from __future__ import annotations

import time
from dataclasses import replace

from ray_pipeline.core.errors import NothingUsable
from ray_pipeline.core.manifest import ClipEntry, Manifest, fingerprint
from ray_pipeline.core.options import StepOptions
from ray_pipeline.core.resources import ResourceRequest
from ray_pipeline.core.step_context import Result, StepContext
from ray_pipeline.core.task import StepName, Transcript
from ray_pipeline.core.workspace import atomic_write, sha256_of
from ray_pipeline.pipeline import STEPS as REAL_STEPS

STEPS = {
    name: replace(
        row,
        function="tests.coordinator.small_steps:run",
        resources=ResourceRequest(cpus=0.5),
        spare_cpus=0.0,
        trains=False,
    )
    for name, row in REAL_STEPS.items()
}


def run(context: StepContext, options: StepOptions) -> Result:
    _obey(context)
    parts = [_input_hash(context)] + [
        fingerprint(step=need, digest=Manifest.load(context.workspace, need).digest())
        for need in (*STEPS[context.step].needs, *STEPS[context.step].uses)
    ]
    manifest = Manifest(context.step)
    output = context.workspace.output / f"{context.step.value}.txt"
    atomic_write(output, "\n".join([context.step.value, *parts]))
    name = context.workspace.relative(output)
    manifest.add(ClipEntry(name="all", key=fingerprint(parts=parts), outputs=[name]))
    manifest.save(context.workspace)
    transcripts = None
    if context.step is StepName.ASR_TRANSCRIBE:
        transcripts = _said(context)
    context.progress.advance(1, 1, "all done")
    return Result(summary={"parts": len(parts)}, transcripts=transcripts)


def _said(context: StepContext) -> list[Transcript]:
    clips = sorted(path.name for path in context.workspace.input_audio.glob("*.wav"))
    return [
        Transcript(clip=clip, text=f"words of {clip}", language="en", source="small")
        for clip in clips
    ]


def _input_hash(context: StepContext) -> str:
    if context.step is not StepName.CONVERT_AUDIO:
        return ""
    files = sorted(context.workspace.input_audio.glob("*.wav"))
    return fingerprint(files=[sha256_of(path) for path in files])


def _obey(context: StepContext) -> None:
    orders = context.workspace.input_audio
    if (orders / "fail_at").exists() and (orders / "fail_at").read_text() == context.step:
        raise NothingUsable("Nothing is usable.", hint="Upload speech.", clip="a.wav")
    if (orders / "crash_at").exists() and (orders / "crash_at").read_text() == context.step:
        raise ValueError("secret inside")
    if (orders / "slow").exists():
        _work_for(context, float((orders / "slow").read_text()))


def _work_for(context: StepContext, seconds: float) -> None:
    started = time.monotonic()
    while (spent := time.monotonic() - started) < seconds:
        context.progress.advance(spent, seconds, f"{spent:.1f} s")
        context.progress.metric({"small/loss": 1 / (1 + spent)}, step=int(spent * 10))
        time.sleep(0.05)
