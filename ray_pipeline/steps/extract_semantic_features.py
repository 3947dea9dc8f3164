"""Step 8. Needs 4-cnhubert/ (and 2-name2text.txt for a base whose tokens are phones). Makes
6-name2semantic.tsv, and codebook.safetensors where the tokens are a codebook's.

How a clip becomes tokens is the business of the base's family (clips/families.py). Clips with the
same features are left alone; the table is written anew.
"""

from __future__ import annotations

import math
from collections import Counter

from ray_pipeline.clips.engine import require_usable, work_through
from ray_pipeline.clips.families import FEATURES
from ray_pipeline.clips.ray_data import RayDataPool
from ray_pipeline.core.manifest import ClipEntry, Manifest
from ray_pipeline.core.options import ExtractSemanticFeaturesOptions
from ray_pipeline.core.pretrained_bases import base_model, require_files
from ray_pipeline.core.step_context import Result, StepContext
from ray_pipeline.core.workspace import atomic_write

_VERSION = "1"
_HEADER = "item_name\tsemantic_audio\n"


def run(context: StepContext, options: ExtractSemanticFeaturesOptions) -> Result:
    """Raises StepNotReady without the features, BackendMissing or BadModelFile when the base
    model's files are absent or damaged, NothingUsable when every clip was set aside."""
    base = base_model(context.config.base_model)
    require_files(base.name, context.models_dir)
    tokens = FEATURES[base.family].tokens(context, base, options.force)
    manifest = Manifest(
        context.step, options.model_dump(), {"semantic": _VERSION}, details=tokens.facts
    )
    work = work_through(
        context,
        tokens.items,
        RayDataPool(tokens.build, context.plan(context.config.num_workers)),
        manifest=manifest,
        force=options.force,
    )
    require_usable(context, manifest, "clip", "Run extract_audio_features again, with force.")
    table = context.experiment.semantic_table
    atomic_write(table, _HEADER + "".join(semantic_line(entry) for entry in manifest.usable()))
    counts = _token_counts(manifest)
    result = work.result(
        tokens=counts.total(), **tokens.summary, token_perplexity=round(perplexity(counts), 1)
    )
    result.warnings += [
        f"{entry.name}: {doubt}"
        for entry in manifest.usable()
        if (doubt := tokens.doubtful(entry.details))
    ]
    return result


def semantic_line(entry: ClipEntry) -> str:
    return f"{entry.name}\t{entry.details['codes']}\n"


def perplexity(counts: Counter[str]) -> float:
    """How many tokens would be as varied if all were equally frequent."""
    shares = [count / counts.total() for count in counts.values()]
    return math.exp(-sum(share * math.log(share) for share in shares))


def _token_counts(manifest: Manifest) -> Counter[str]:
    return Counter(code for entry in manifest.usable() for code in entry.details["codes"].split())
