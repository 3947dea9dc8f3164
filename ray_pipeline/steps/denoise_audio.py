"""Step 3. Needs sliced/. Makes denoised/, the same clips under the same names.

It may be skipped: later steps then take the clips as they were sliced. Where no denoiser is
installed it makes nothing and says so. Clips that are denoised already are left alone.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from ray_pipeline.audio.denoising import DenoiserChoice, choose_denoiser, denoise
from ray_pipeline.audio.wav import read_mono, to_int16, write_int16
from ray_pipeline.clips.engine import set_aside_summary, set_aside_warnings, sweep, work_through
from ray_pipeline.clips.inputs import made_by
from ray_pipeline.clips.ray_tasks import RayTasks
from ray_pipeline.clips.work import Clip, Made, WorkItem
from ray_pipeline.core.errors import BackendMissing
from ray_pipeline.core.manifest import ClipEntry, Manifest, fingerprint
from ray_pipeline.core.options import DenoiseAudioOptions
from ray_pipeline.core.resources import plan_workers
from ray_pipeline.core.step_context import Result, StepContext
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.workspace import Workspace, sha256_of

_VERSION = "2"


def run(context: StepContext, options: DenoiseAudioOptions) -> Result:
    """Raises StepNotReady without clips, BackendMissing for a back-end asked for by name."""
    workspace = context.workspace
    clips = made_by(context, StepName.SLICE_AUDIO, "clips to denoise")
    manifest = Manifest(context.step, options.model_dump())
    try:
        choice = choose_denoiser(options.backend, context.models_dir, options.attenuation_limit)
    except BackendMissing as missing:
        if options.backend != "auto":
            raise
        return _leave_out(context, manifest, missing)
    manifest.versions = {choice.backend: choice.version}
    # DeepFilterNet computes on the CPU, wherever it is.
    worker = context.worker if choice.backend == "frcrn" else replace(context.worker, gpus=0.0)
    denoise_one = partial(denoise_clip, folder=workspace.denoised, choice=choice)
    work = work_through(
        context,
        [_item(workspace, clip, choice) for clip in clips],
        RayTasks.one_by_one(denoise_one, plan_workers(worker, len(clips), context.cluster)),
        manifest=manifest,
        folders=[workspace.denoised],
        force=options.force,
    )
    result = _result(manifest, choice, work.num_reused)
    if options.precision != "float32":
        result.warnings.append(
            f"precision {options.precision} was not used: the denoiser computes in float32."
        )
    return result


def denoise_clip(clip: Clip, *, folder: Path, choice: DenoiserChoice) -> list[Made]:
    """Runs in a Ray task. Raises StepFailed."""
    waveform, rate = read_mono(Path(clip.path))
    denoised = denoise(waveform, rate, choice)
    target = folder / clip.name
    write_int16(target, to_int16(denoised.waveform), rate)
    details = {"backend": choice.backend, "was_kept": denoised.was_kept}
    return [Made(clip.name, details, [target])]


def _item(workspace: Workspace, entry: ClipEntry, choice: DenoiserChoice) -> WorkItem:
    path = workspace.root / entry.outputs[0]
    digest = sha256_of(path)
    key = fingerprint(
        version=_VERSION,
        input=digest,
        backend=[choice.backend, choice.version, choice.attenuation_limit_db],
    )
    return WorkItem(Clip(entry.name, str(path)), key, digest)


def _leave_out(context: StepContext, manifest: Manifest, missing: BackendMissing) -> Result:
    """No denoiser: forget what an earlier run made, so that later steps take the slices."""
    manifest.save(context.workspace)
    sweep(context.workspace, [context.workspace.denoised], manifest)
    warning = f"The clips were not denoised. {missing}"
    context.progress.warn(warning)
    return Result(summary={"backend": None, "clips": 0}, warnings=[warning])


def _result(manifest: Manifest, choice: DenoiserChoice, num_reused: int) -> Result:
    usable = manifest.usable()
    kept = [entry.name for entry in usable if entry.details["was_kept"]]
    warnings = [
        f"{name}: nearly all of it was taken for noise, so it was left as it is." for name in kept
    ]
    warnings += set_aside_warnings(manifest)
    summary = {
        "backend": choice.backend,
        "clips": len(usable),
        "unchanged": num_reused,
        "left_as_they_were": kept,
        "set_aside": set_aside_summary(manifest),
    }
    return Result(summary=summary, warnings=warnings)
