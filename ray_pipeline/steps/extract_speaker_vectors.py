"""Step 7. Needs 5-wav32k/. Makes 7-sv_cn/, a vector a clip.

The versions v1 and v2 have no speaker vectors: there the step says so and is done. Clips with
the same sound as before are left alone.
"""

from __future__ import annotations

from ray_pipeline.clips.engine import require_usable, work_through
from ray_pipeline.clips.families import FEATURES
from ray_pipeline.clips.inputs import audio_features
from ray_pipeline.clips.ray_data import RayDataPool
from ray_pipeline.clips.work import Clip, WorkItem
from ray_pipeline.core.manifest import ClipEntry, Manifest, fingerprint
from ray_pipeline.core.options import ExtractSpeakerVectorsOptions
from ray_pipeline.core.pretrained_bases import PretrainedBase, base_model, require_files
from ray_pipeline.core.step_context import Result, StepContext
from ray_pipeline.core.workspace import sha256_of

_VERSION = "1"


def run(context: StepContext, options: ExtractSpeakerVectorsOptions) -> Result:
    """Raises StepNotReady without audio features, BackendMissing when the base model's files
    are not there, NothingUsable when every clip was set aside."""
    base = base_model(context.config.base_model)
    require_files(base.name, context.models_dir)
    vectors_dir = context.experiment.speaker_vectors
    manifest = Manifest(
        context.step,
        options.model_dump(),
        {"speaker": _VERSION, "encoder": base.speaker_encoder or "none"},
    )
    clips = audio_features(context) if base.speaker_encoder else []
    build = FEATURES[base.family].speaker(context, base)
    work = work_through(
        context,
        [_item(context, base, entry) for entry in clips],
        RayDataPool(build, context.plan(context.config.num_workers)),
        manifest=manifest,
        folders=[vectors_dir],
        force=options.force,
    )
    if base.speaker_encoder is None:
        message = f"The base model {base.name} has no speaker vectors; nothing to do."
        context.progress.log(message)
        return Result(summary={"clips": 0, "message": message})
    require_usable(context, manifest, "clip", "Run extract_audio_features again, with force.")
    return work.result(dim=base.speaker_dim, encoder=base.speaker_encoder)


def _item(context: StepContext, base: PretrainedBase, entry: ClipEntry) -> WorkItem:
    path = context.experiment.wave_of(entry.name)
    digest = sha256_of(path)
    key = fingerprint(version=_VERSION, audio=digest, encoder=base.speaker_encoder)
    return WorkItem(Clip(entry.name, path=str(path)), key, digest)
