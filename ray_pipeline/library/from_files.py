"""A voice that was not trained here: its two weight files, or a base model's own, and recordings
to imitate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ray_pipeline.core.errors import InvalidInput
from ray_pipeline.core.pretrained_bases import base_model, require_files
from ray_pipeline.core.voices import DEFAULT_MOOD, VoiceVersion
from ray_pipeline.library.draft import Draft, DraftFile, DraftReference, check_moods
from ray_pipeline.library.files import FileStore
from ray_pipeline.library.pairs import check_pair, find_pair
from ray_pipeline.library.references import checked_reference

_LENGTH = "3 to 10 s of the speaker"


@dataclass(frozen=True)
class Recording:
    """A recording that was sent, and what the sender says of it."""

    path: Path
    mood: str = DEFAULT_MOOD
    text: str = ""
    language: str = ""
    name: str = ""


@dataclass(frozen=True, kw_only=True)
class SentFiles:
    """What came with one request, below a folder of its own. `base_model` asks for a base model's
    own weights instead of sent ones."""

    weights: Sequence[Path] = ()
    recordings: Sequence[Recording] = ()
    base_model: str | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    note: str = ""


def draft_of_files(sent: SentFiles, models_dir: Path) -> Draft:
    """Torch is imported. Raises InvalidInput for what is missing or too much, BadModelFile for
    weights that nobody should load, BackendMissing for a base model that is not complete."""
    if sent.base_model is not None and sent.weights:
        raise InvalidInput(
            "Both a base model and weights were given.",
            hint="Leave base_model out to import weights, or the weights out to let the base "
            "model speak as the recording does.",
            field="base_model",
        )
    if sent.base_model is not None:
        draft = _of_base(sent.base_model, models_dir)
    elif sent.weights:
        pair = find_pair(sent.weights)
        gpt, sovits = DraftFile(pair.gpt, is_ours=True), DraftFile(pair.sovits, is_ours=True)
        draft = Draft(
            base_model=pair.base_model,
            gpt=gpt,
            sovits=sovits,
            references=(),
            lineage={"source": "import", "files": [pair.gpt.name, pair.sovits.name]},
        )
    else:
        raise InvalidInput(
            "There are no weights of a voice in the request.",
            hint="Send its .ckpt and its .pth; or name a base_model, which then speaks as the "
            "recording does.",
            field="file",
        )
    references = read_references(sent.recordings)
    if not references and base_model(draft.base_model).imitates_recordings:
        raise InvalidInput(
            "There is no recording to imitate.",
            hint=f"Send a reference with the weights: {_LENGTH}.",
            field="file",
        )
    return replace(
        draft,
        references=references,
        settings=sent.settings,
        note=sent.note,
        language=references[0].language if references else "en",
    )


def _of_base(name: str, models_dir: Path) -> Draft:
    row = base_model(name)
    if row.generator is None or row.gpt is None:
        raise InvalidInput(
            f"The base model {name} cannot imitate a recording before it is trained.",
            hint="Use one of v2ProPlus, v2Pro, v2, v1; or train a voice with a task.",
            field="base_model",
        )
    require_files(name, models_dir)
    gpt, sovits = models_dir / row.gpt, models_dir / row.generator
    return Draft(
        base_model=check_pair(gpt, sovits),
        gpt=DraftFile(gpt),
        sovits=DraftFile(sovits),
        references=(),
        lineage={"source": "base model", "base_model": name},
    )


def read_references(recordings: Sequence[Recording]) -> tuple[DraftReference, ...]:
    """The default one first. Raises InvalidInput without a default one."""
    found = [
        checked_reference(each.path, each.mood, each.text, each.language, name=each.name)
        for each in recordings
    ]
    _require_default(found)
    check_moods(tuple(found))
    return tuple(sorted(found, key=lambda each: each.mood != DEFAULT_MOOD))


def _require_default(references: Sequence[DraftReference]) -> None:
    if references and all(each.mood != DEFAULT_MOOD for each in references):
        raise InvalidInput(
            f"None of the recordings has the mood {DEFAULT_MOOD}.",
            hint="Say so of the one that is imitated where a request names no mood.",
            field="references",
        )


def draft_with_references(version: VoiceVersion, files: FileStore, sent: SentFiles) -> Draft:
    """A version like `version`, with recordings added; one takes the place of that of its mood."""
    if not sent.recordings:
        raise InvalidInput(
            "The request brings nothing new.",
            hint="Send weights, an archive of a voice, or recordings to imitate.",
            field="file",
        )
    new = [
        checked_reference(each.path, each.mood, each.text, each.language, name=each.name)
        for each in sent.recordings
    ]
    replaced = {reference.mood for reference in new}
    kept = [
        DraftReference(
            mood=each.mood,
            audio=DraftFile(files.path_of(each.audio), each.audio.name),
            text=each.text,
            language=each.language,
        )
        for each in version.references
        if each.mood not in replaced
    ]
    references = tuple(sorted([*kept, *new], key=lambda each: each.mood != DEFAULT_MOOD))
    _require_default(references)
    check_moods(references)
    return Draft(
        base_model=version.base_model,
        gpt=DraftFile(files.path_of(version.gpt), version.gpt.name),
        sovits=DraftFile(files.path_of(version.sovits), version.sovits.name),
        references=references,
        settings={**version.settings, **sent.settings},
        dictionary=version.dictionary,
        metrics=version.metrics,
        lineage={**version.lineage, "references_of_version": version.number},
        note=sent.note,
    )
