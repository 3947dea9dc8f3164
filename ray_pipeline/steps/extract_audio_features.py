"""Step 6. Needs transcripts and clips. Makes 5-wav32k/ and 4-cnhubert/.

Takes the denoised clip where there is a fresh one. Clips with the same sound as before are
left alone.
"""

from __future__ import annotations

from functools import partial

from ray_pipeline.clips.extractors import AudioExtractor
from ray_pipeline.clips.feature_clips import (
    Job,
    extract_features,
    included_transcripts,
    result_of,
)
from ray_pipeline.clips.ray_tasks import require_usable
from ray_pipeline.clips.worker import Clip
from ray_pipeline.core.clip_audio import ClipAudio, clip_audio
from ray_pipeline.core.manifest import Manifest, fingerprint
from ray_pipeline.core.options import ExtractAudioFeaturesOptions
from ray_pipeline.core.pretrained_bases import PretrainedBase, base_model, resolve_base_model
from ray_pipeline.core.step_context import Result, StepContext

_VERSION = "1"


def run(context: StepContext, options: ExtractAudioFeaturesOptions) -> Result:
    """Raises StepNotReady without transcripts, BackendMissing when the base model's files are
    not there, NothingUsable when every clip was set aside."""
    base = base_model(resolve_base_model(context.config.base_model, context.models_dir))
    included = {transcript.clip for transcript in included_transcripts(context)}
    clips = [audio for audio in clip_audio(context.workspace) if audio.name in included]
    waves_dir, content_dir = context.experiment.waves, context.experiment.content
    manifest = Manifest(
        context.step, options.model_dump(), {"audio": _VERSION, "encoder": base.content_encoder}
    )
    outcome = extract_features(
        context,
        [_job(context, base, audio) for audio in clips],
        partial(
            AudioExtractor,
            base=base,
            models_dir=context.models_dir,
            waves_dir=waves_dir,
            content_dir=content_dir,
        ),
        manifest=manifest,
        folders=[waves_dir, content_dir],
        force=options.force,
    )
    require_usable(context, manifest, "clip", "Record louder, or include other clips.")
    seconds = round(sum(entry.details["seconds"] for entry in manifest.usable()), 2)
    num_denoised = sum(audio.path not in audio.sliced.outputs for audio in clips)
    return result_of(
        manifest,
        outcome,
        seconds=seconds,
        denoised_clips=num_denoised,
        encoder=base.content_encoder,
    )


def _job(context: StepContext, base: PretrainedBase, audio: ClipAudio) -> Job:
    key = fingerprint(version=_VERSION, audio=audio.sha256, encoder=base.content_encoder)
    outputs = [
        context.workspace.relative(context.experiment.wave_of(audio.name)),
        context.workspace.relative(context.experiment.content_of(audio.name)),
    ]
    clip = Clip(audio.name, path=str(context.workspace.root / audio.path))
    return Job(clip, key, {audio.path: audio.sha256}, outputs)
