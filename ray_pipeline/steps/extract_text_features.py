"""Step 5. Needs transcripts. Makes 2-name2text.txt, and 3-bert/ for Chinese clips.

Clips whose text, language and own pronunciations are as before are left alone; the table is
written anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from functools import partial

from ray_pipeline.clips.engine import require_usable, work_through
from ray_pipeline.clips.extractors import TextExtractor
from ray_pipeline.clips.inputs import included_transcripts
from ray_pipeline.clips.ray_data import RayDataPool
from ray_pipeline.clips.work import Clip, WorkItem
from ray_pipeline.core.manifest import ClipEntry, Manifest, fingerprint
from ray_pipeline.core.options import ExtractTextFeaturesOptions
from ray_pipeline.core.pretrained_bases import base_model, what_training_lacks
from ray_pipeline.core.step_context import Result, StepContext
from ray_pipeline.core.task import Transcript
from ray_pipeline.core.workspace import atomic_write
from ray_pipeline.text.chinese.reading_models import ChineseModels
from ray_pipeline.text.clip_reading import write_reading
from ray_pipeline.text.pronunciations import entries_in, own_pronunciations
from ray_pipeline.text.unread import quote_some, unread_words

_VERSION = "2"


def run(context: StepContext, options: ExtractTextFeaturesOptions) -> Result:
    """Raises StepNotReady without transcripts, BackendMissing for a language that cannot be
    read here, InvalidInput for a line of a dictionary, NothingUsable when every clip was set
    aside."""
    symbols = base_model(context.config.base_model).symbols
    strict = context.config.strict_compat
    transcripts = included_transcripts(context)
    dictionary = own_pronunciations(context.workspace, symbols)
    num_chinese = sum(transcript.language == "zh" for transcript in transcripts)
    models = ChineseModels.present(context.models_dir) if num_chinese else ChineseModels()
    table, bert_dir = context.experiment.phones_table, context.experiment.bert
    manifest = Manifest(
        context.step,
        options.model_dump(),
        {"text": _VERSION, "symbols": symbols},
    )
    models.write_to(manifest, num_chinese)
    write_reading(manifest, strict_compat=strict)
    before = Manifest.load(context.workspace, context.step).clips
    key_of = partial(_key, symbols=symbols, models=models, dictionary=dictionary, strict=strict)
    build = partial(
        TextExtractor,
        symbols=symbols,
        bert_dir=bert_dir,
        models_dir=context.models_dir,
        bert=models.bert,
        g2pw=models.g2pw,
        dictionary=dictionary,
        strict_compat=strict,
    )
    work = work_through(
        context,
        [
            WorkItem(
                Clip(transcript.clip, text=transcript.text, language=transcript.language),
                key_of(transcript, before.get(transcript.clip)),
            )
            for transcript in transcripts
        ],
        RayDataPool(build, context.plan(context.config.num_workers)),
        manifest=manifest,
        folders=[bert_dir],
        force=options.force,
    )
    by_clip = {transcript.clip: transcript for transcript in transcripts}
    for entry in manifest.usable():  # only now it is known which words were read
        entry.key = key_of(by_clip[entry.name], entry)
    manifest.save(context.workspace)
    require_usable(context, manifest, "transcript", "Correct the transcripts and run this again.")
    atomic_write(table, "".join(name2text_line(entry) for entry in manifest.usable()))
    result = work.result(phones=_num_phones(manifest), **asdict(models))
    result.warnings += _unreadable(manifest, by_clip)
    if num_chinese:
        result.warnings += what_training_lacks(context.config.base_model, "zh", context.models_dir)
    return result


def name2text_line(entry: ClipEntry) -> str:
    """A row as the original writes it: name, phones, phones a character or None, text."""
    details = entry.details
    columns = (entry.name, details["phones"], str(details["word2ph"]), details["norm_text"])
    return "\t".join(columns) + "\n"


def _key(
    transcript: Transcript,
    entry: ClipEntry | None,
    *,
    symbols: str,
    models: ChineseModels,
    dictionary: Mapping[str, list[str]],
    strict: bool,
) -> str:
    """Of the dictionary, what the text has, as written or (by `entry`) as it was read."""
    read = entry.details.get("norm_text", "") if entry else ""
    return fingerprint(
        version=_VERSION,
        text=transcript.text,
        language=transcript.language,
        symbols=symbols,
        **(models if transcript.language == "zh" else ChineseModels()).for_key(),
        own_words=entries_in(dictionary, transcript.text, read),
        **({} if strict else {"strict_compat": False}),  # before there was a choice, it was True
    )


def _words(text: str, unknown: list[str]) -> str:
    return quote_some(unread_words(text, unknown))


def _num_phones(manifest: Manifest) -> int:
    return sum(len(entry.details["phones"].split()) for entry in manifest.usable())


def _unreadable(manifest: Manifest, by_clip: Mapping[str, Transcript]) -> list[str]:
    return [
        f"{entry.name}: {_words(by_clip[entry.name].text, entry.details['unknown'])} "
        "cannot be read aloud as written; in the text, write what is said."
        for entry in manifest.usable()
        if entry.details["unknown"]
    ]
