"""Step 6. Needs transcripts and clips. Makes 5-wav32k/ and 4-cnhubert/.

Takes the denoised clip where there is a fresh one. Clips with the same sound as before are
left alone.
"""

from __future__ import annotations

from ray_pipeline.clips.engine import require_usable, work_through
from ray_pipeline.clips.families import FEATURES
from ray_pipeline.clips.inputs import included_transcripts
from ray_pipeline.clips.ray_data import RayDataPool
from ray_pipeline.clips.work import Clip, WorkItem
from ray_pipeline.core.clip_audio import ClipAudio, clip_audio
from ray_pipeline.core.manifest import Manifest, fingerprint
from ray_pipeline.core.options import ExtractAudioFeaturesOptions
from ray_pipeline.core.pretrained_bases import PretrainedBase, base_model, require_files
from ray_pipeline.core.step_context import Result, StepContext

_VERSION = "1"


def run(context: StepContext, options: ExtractAudioFeaturesOptions) -> Result:
    """Raises StepNotReady without transcripts, BackendMissing when the base model's files are
    not there, NothingUsable when every clip was set aside."""
    base = base_model(context.config.base_model)
    require_files(base.name, context.models_dir)
    included = {transcript.clip for transcript in included_transcripts(context)}
    clips = [audio for audio in clip_audio(context.workspace) if audio.name in included]
    waves_dir, content_dir = context.experiment.waves, context.experiment.content
    manifest = Manifest(
        context.step, options.model_dump(), {"audio": _VERSION, "encoder": base.content_encoder}
    )
    build = FEATURES[base.family].audio(context, base)
    work = work_through(
        context,
        [_item(context, base, audio) for audio in clips],
        RayDataPool(build, context.plan(context.config.num_workers)),
        manifest=manifest,
        folders=[waves_dir, content_dir],
        force=options.force,
    )
    require_usable(context, manifest, "clip", "Record louder, or include other clips.")
    seconds = round(sum(entry.details["seconds"] for entry in manifest.usable()), 2)
    num_denoised = sum(audio.path not in audio.sliced.outputs for audio in clips)
    return work.result(seconds=seconds, denoised_clips=num_denoised, encoder=base.content_encoder)


def _item(context: StepContext, base: PretrainedBase, audio: ClipAudio) -> WorkItem:
    key = fingerprint(version=_VERSION, audio=audio.sha256, encoder=base.content_encoder)
    clip = Clip(audio.name, path=str(context.workspace.root / audio.path))
    return WorkItem(clip, key, audio.sha256)
