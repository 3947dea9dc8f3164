"""The features of the bases of GPT-SoVITS, in the original's formats: content features, speaker
vectors where a version has them, and semantic tokens by a codebook.

A pretrained base brings its codebook along; nano fits one to the clips, and again when they
change.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ray_pipeline.clips.extractors import (
    AudioExtractor,
    SemanticExtractor,
    SpeakerExtractor,
    load_tensor,
)
from ray_pipeline.clips.inputs import audio_features
from ray_pipeline.clips.work import Build, Clip, TokenWork, WorkItem
from ray_pipeline.core.manifest import Manifest, fingerprint
from ray_pipeline.core.pretrained_bases import PretrainedBase
from ray_pipeline.core.step_context import StepContext
from ray_pipeline.core.workspace import sha256_of

if TYPE_CHECKING:
    from ray_pipeline.models.encoders.codebook import Codebook

_VERSION = "1"


def audio(context: StepContext, base: PretrainedBase) -> Build:
    return partial(
        AudioExtractor,
        base=base,
        models_dir=context.models_dir,
        waves_dir=context.experiment.waves,
        content_dir=context.experiment.content,
    )


def speaker(context: StepContext, base: PretrainedBase) -> Build:
    return partial(
        SpeakerExtractor,
        base=base,
        models_dir=context.models_dir,
        vectors_dir=context.experiment.speaker_vectors,
    )


def tokens(context: StepContext, base: PretrainedBase, force: bool) -> TokenWork:
    """Raises StepNotReady without audio features, BackendMissing or BadModelFile when the base's
    generator is absent or damaged."""
    names = sorted(entry.name for entry in audio_features(context))
    paths = {name: context.experiment.content_of(name) for name in names}
    digests = {name: sha256_of(path) for name, path in paths.items()}
    key = _codebook_key(context, base, digests)
    facts = _ready_codebook(context, base, list(paths.values()), key, force)
    return TokenWork(
        [_item(name, path, digests[name], key) for name, path in paths.items()],
        partial(SemanticExtractor, codebook=context.experiment.codebook),
        facts=facts,
        summary={"codebook_rows_used": facts["codebook_rows_used"]},
    )


def _ready_codebook(
    context: StepContext, base: PretrainedBase, features: list[Path], key: str, force: bool
) -> dict[str, object]:
    """Write the codebook if it is not there already; facts about it, for the manifest."""
    path = context.experiment.codebook
    facts = Manifest.load(context.workspace, context.step).details
    if not force and facts.get("codebook") == key and path.is_file():
        return facts
    if base.is_pretrained:
        codebook = _pretrained_codebook(context, base)
    else:
        context.progress.log(f"Fitting a codebook to {len(features)} clips.")
        codebook = _fitted_codebook(context, base, features)
    codebook.save(path)
    return {"codebook": key, "codebook_rows_used": codebook.used}


def _fitted_codebook(context: StepContext, base: PretrainedBase, features: list[Path]) -> Codebook:
    import torch

    from ray_pipeline.models.encoders.codebook import fit

    torch.set_num_threads(1)
    clips = [load_tensor(path)[0] for path in sorted(features)]
    return fit(clips, seed=context.config.seed, rows=base.codebook_size)


def _pretrained_codebook(context: StepContext, base: PretrainedBase) -> Codebook:
    from ray_pipeline.models.encoders.codebook import Codebook
    from ray_pipeline.weights.files import load_sovits

    assert base.generator is not None
    loaded = load_sovits(context.models_dir / base.generator)
    return Codebook.from_state_dict(loaded.state_dict)


def _codebook_key(context: StepContext, base: PretrainedBase, digests: dict[str, str]) -> str:
    if base.generator is not None:
        weights = sha256_of(context.models_dir / base.generator)
        return fingerprint(version=_VERSION, generator=weights)
    return fingerprint(
        version=_VERSION,
        base=base.name,
        rows=base.codebook_size,
        seed=context.config.seed,
        features=digests,
    )


def _item(name: str, path: Path, digest: str, codebook_key: str) -> WorkItem:
    key = fingerprint(version=_VERSION, features=digest, codebook=codebook_key)
    return WorkItem(Clip(name, path=str(path)), key, digest)
