"""Step 8. Needs 4-cnhubert/. Makes 6-name2semantic.tsv and codebook.safetensors.

A pretrained base model brings its codebook along; nano fits one to the clips, and again when
they change. With the same codebook, clips with the same features are left alone; the table is
written anew.
"""

from __future__ import annotations

import math
from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ray_pipeline.clips.engine import require_usable, work_through
from ray_pipeline.clips.extractors import SemanticExtractor, load_tensor
from ray_pipeline.clips.inputs import audio_features
from ray_pipeline.clips.ray_data import RayDataPool
from ray_pipeline.clips.work import Clip, WorkItem
from ray_pipeline.core.manifest import ClipEntry, Manifest, fingerprint
from ray_pipeline.core.options import ExtractSemanticFeaturesOptions
from ray_pipeline.core.pretrained_bases import PretrainedBase, base_model, resolve_base_model
from ray_pipeline.core.step_context import Result, StepContext
from ray_pipeline.core.workspace import atomic_write, sha256_of

if TYPE_CHECKING:
    from ray_pipeline.models.encoders.codebook import Codebook

_VERSION = "1"
_HEADER = "item_name\tsemantic_audio\n"


def run(context: StepContext, options: ExtractSemanticFeaturesOptions) -> Result:
    """Raises StepNotReady without audio features, BackendMissing or BadModelFile when the base
    model's generator is absent or damaged, NothingUsable when every clip was set aside."""
    base = base_model(resolve_base_model(context.config.base_model, context.models_dir))
    clips = {entry.name: _features_path(context, entry) for entry in audio_features(context)}
    digests = {name: sha256_of(path) for name, path in clips.items()}
    codebook_path = context.experiment.codebook
    codebook_key = _codebook_key(context, base, digests)
    facts = _ready_codebook(context, base, list(clips.values()), codebook_key, options.force)
    manifest = Manifest(context.step, options.model_dump(), {"semantic": _VERSION}, details=facts)
    build = partial(SemanticExtractor, codebook=codebook_path)
    work = work_through(
        context,
        [_item(name, path, digests[name], codebook_key) for name, path in sorted(clips.items())],
        RayDataPool(build, context.plan(context.config.num_workers)),
        manifest=manifest,
        force=options.force,
    )
    require_usable(context, manifest, "clip", "Run extract_audio_features again, with force.")
    table = context.experiment.semantic_table
    atomic_write(table, _HEADER + "".join(semantic_line(entry) for entry in manifest.usable()))
    counts = _token_counts(manifest)
    return work.result(
        tokens=counts.total(),
        codebook_rows_used=facts["codebook_rows_used"],
        token_perplexity=round(perplexity(counts), 1),
    )


def semantic_line(entry: ClipEntry) -> str:
    return f"{entry.name}\t{entry.details['codes']}\n"


def perplexity(counts: Counter[str]) -> float:
    """How many tokens would be as varied if all were equally frequent."""
    shares = [count / counts.total() for count in counts.values()]
    return math.exp(-sum(share * math.log(share) for share in shares))


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


def _features_path(context: StepContext, entry: ClipEntry) -> Path:
    return context.experiment.content_of(entry.name)


def _token_counts(manifest: Manifest) -> Counter[str]:
    return Counter(code for entry in manifest.usable() for code in entry.details["codes"].split())
