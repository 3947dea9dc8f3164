"""Step 5. Needs transcripts. Makes 2-name2text.txt, and 3-bert/ for Chinese clips.

Clips whose text and language are as before are left alone; the table is written anew.
"""

from __future__ import annotations

from functools import partial

from ray_pipeline.features.extractors import TextExtractor
from ray_pipeline.features.worker import Clip
from ray_pipeline.manifest import ClipEntry, Manifest, fingerprint
from ray_pipeline.models.base import base_model, has_bert
from ray_pipeline.options import ExtractTextFeaturesOptions
from ray_pipeline.steps.clipwise import require_usable
from ray_pipeline.steps.context import Result, StepContext
from ray_pipeline.steps.feature_clips import (
    Job,
    extract_features,
    included_transcripts,
    result_of,
)
from ray_pipeline.task import Transcript
from ray_pipeline.workspace import atomic_write

_VERSION = "1"


def run(context: StepContext, options: ExtractTextFeaturesOptions) -> Result:
    """Raises StepNotReady without transcripts, BackendMissing for a language that cannot be
    read here, NothingUsable when every clip was set aside."""
    symbols = base_model(context.config.base_model).symbols
    transcripts = included_transcripts(context)
    num_chinese = sum(transcript.language == "zh" for transcript in transcripts)
    with_bert = num_chinese > 0 and has_bert(context.models_dir)
    table, bert_dir = context.experiment / "2-name2text.txt", context.experiment / "3-bert"
    manifest = Manifest(
        context.step,
        options.model_dump(),
        {"text": _VERSION, "symbols": symbols, "bert": str(with_bert)},
    )
    outcome = extract_features(
        context,
        [_job(context, transcript, symbols, with_bert) for transcript in transcripts],
        partial(
            TextExtractor,
            symbols=symbols,
            bert_dir=bert_dir,
            models_dir=context.models_dir if with_bert else None,
        ),
        manifest=manifest,
        folders=[bert_dir],
        force=options.force,
    )
    require_usable(context, manifest, "transcript", "Correct the transcripts and run this again.")
    atomic_write(table, "".join(name2text_line(entry) for entry in manifest.usable()))
    result = result_of(manifest, outcome, phones=_num_phones(manifest), bert=with_bert)
    result.warnings += _unreadable(manifest)
    if num_chinese and not with_bert:
        result.warnings.append(
            f"{num_chinese} Chinese clips have no BERT features, because the model is not in the "
            "models folder; zeros stand in for them. Run `gsv models pull bert` for a better voice."
        )
    return result


def name2text_line(entry: ClipEntry) -> str:
    """A row as the original writes it: name, phones, phones a character or None, text."""
    details = entry.details
    columns = (entry.name, details["phones"], str(details["word2ph"]), details["norm_text"])
    return "\t".join(columns) + "\n"


def _job(context: StepContext, transcript: Transcript, symbols: str, with_bert: bool) -> Job:
    bert = with_bert and transcript.language == "zh"
    key = fingerprint(
        version=_VERSION,
        text=transcript.text,
        language=transcript.language,
        symbols=symbols,
        bert=bert,
    )
    features = context.experiment / "3-bert" / f"{transcript.clip}.pt"
    clip = Clip(transcript.clip, text=transcript.text, language=transcript.language)
    return Job(clip, key, {}, [context.workspace.relative(features)] if bert else [])


def _num_phones(manifest: Manifest) -> int:
    return sum(len(entry.details["phones"].split()) for entry in manifest.usable())


def _unreadable(manifest: Manifest) -> list[str]:
    return [
        f"{entry.name}: {', '.join(map(repr, entry.details['unknown']))} could not be read aloud "
        "and was left out."
        for entry in manifest.usable()
        if entry.details["unknown"]
    ]
