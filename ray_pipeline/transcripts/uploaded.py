"""The transcripts that users upload beside their recordings.

`speech.txt` (or `speech.wav.txt`) beside `speech.wav` is what is said in it. A row of any
`.list` file in the folder may name an uploaded recording or a clip that the slicer cut. A text
that may belong to several recordings is given to none; every text that is not used is told.
"""

from __future__ import annotations

import filecmp
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from ray_pipeline.core.blanks import one_line
from ray_pipeline.core.errors import InvalidInput
from ray_pipeline.core.languages import clip_language, guess_language
from ray_pipeline.core.text_files import read_text_bytes, read_text_file
from ray_pipeline.core.upload_kinds import (
    UploadKind,
    copy_number,
    text_stem,
    upload_kind,
    upload_order,
    without_copy_number,
)
from ray_pipeline.core.workspace import is_partial
from ray_pipeline.transcripts.list_file import (
    ListRow,
    check_field,
    decode_list,
    name_key,
    parse_list,
    rows_by_name,
)


@dataclass(frozen=True)
class UploadedText:
    """`origin` is the name of the file that it came from."""

    text: str
    language: str
    speaker: str
    origin: str


@dataclass
class UploadedTranscripts:
    """`by_name` holds texts by the name of a recording, or by `name_key` of what else a row
    names, such as a clip. `warnings` are sentences: what was not used, what was guessed."""

    by_name: dict[str, UploadedText] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def of(self, name: str) -> UploadedText | None:
        return self.by_name.get(name) or self.by_name.get(name_key(name))


def uploads_in(folder: Path, kind: UploadKind) -> list[Path]:
    """The finished uploads of one kind, in the order in which they came."""
    if not folder.is_dir():
        return []
    paths = [p for p in folder.iterdir() if upload_kind(p.name) is kind and not is_partial(p)]
    return sorted((p for p in paths if p.is_file()), key=upload_order)


def recordings_in(folder: Path) -> list[Path]:
    """Every uploaded file but transcripts, dictionaries and unfinished ones, by name."""
    return sorted(uploads_in(folder, UploadKind.RECORDING))


def uploaded_transcripts(folder: Path, task_language: str) -> UploadedTranscripts:
    """All transcripts of the folder. A `.txt` is in the task's language (guessed from its
    script when that is `auto`); it wins over a row of a list. Of two lists, or two texts of one
    recording, the one that was uploaded later wins: a corrected `me.list` is stored as
    `me (2).list`."""
    recordings = recordings_in(folder)
    uploaded = UploadedTranscripts()
    _add_lists(uploaded, uploads_in(folder, UploadKind.LIST), recordings)
    _add_texts(uploaded, uploads_in(folder, UploadKind.TRANSCRIPT), recordings, task_language)
    _drop_ambiguous(uploaded, recordings)
    return uploaded


# -- rows of lists


def _add_lists(
    uploaded: UploadedTranscripts, lists: Iterable[Path], recordings: list[Path]
) -> None:
    rows: dict[str, tuple[Path, ListRow]] = {}
    unclear: dict[str, str] = {}
    for path in lists:
        named, ambiguous = _read_rows(uploaded, path)
        for key in ambiguous:
            rows.pop(key, None)
        for key, row in named.items():
            other = rows.get(key)
            if other is not None and _names_another_file(other, (path, row)):
                unclear[key] = f"{other[0].name} and {path.name}"
            rows[key] = (path, row)
    for key, lists_of_it in unclear.items():
        row = rows.pop(key)[1]
        uploaded.warnings.append(
            f"{lists_of_it} name files called {row.file_name} in different folders, and which of "
            "them was uploaded cannot be told; neither row was used. Give each recording a name "
            "of its own."
        )
    by_key = {name_key(path.name).casefold(): path.name for path in recordings}
    exact = {name_key(path.name): path.name for path in recordings}
    for key, (path, row) in rows.items():
        name = exact.get(key) or by_key.get(key.casefold()) or key
        uploaded.by_name[name] = UploadedText(row.text, row.language, row.speaker, path.name)


def _read_rows(uploaded: UploadedTranscripts, path: Path) -> tuple[dict[str, ListRow], set[str]]:
    """The rows of a list by what they name, and what several rows name in different ways."""
    try:
        decoded = decode_list(read_text_bytes(path), path.name)
    except InvalidInput as error:
        uploaded.warnings.append(f"{path.name} was not used: {error}")
        return {}, set()
    if decoded.remark:
        uploaded.warnings.append(decoded.remark)
    rows, problems = parse_list(decoded.text)
    named, ambiguous = rows_by_name(rows)
    uploaded.warnings += [
        f"{path.name}, line {p.line}, was not used: {p.reason.rstrip('.')}."
        for p in sorted(problems + ambiguous, key=lambda problem: problem.line)
    ]
    return named, {row.key for row in rows} - set(named)


def _names_another_file(first: tuple[Path, ListRow], second: tuple[Path, ListRow]) -> bool:
    """Whether two lists mean two files of one name. A list that was corrected and uploaded
    again means the same ones, wherever they lay then; so do names of clips, which hold their
    place in the recording."""
    (path, row), (other_path, other) = first, second
    names = {without_copy_number(text_stem(p.name)).casefold() for p in (path, other_path)}
    return (
        len(names) > 1
        and "" not in (row.folder, other.folder)
        and row.folder != other.folder
        and row.text != other.text
        and not row.is_clip
    )


# -- texts beside recordings


def _add_texts(
    uploaded: UploadedTranscripts, texts: list[Path], recordings: list[Path], task_language: str
) -> None:
    latest: dict[str, Path] = {}
    for path in texts:
        fitting = _recordings_of(path, recordings)
        if len(fitting) != 1:
            uploaded.warnings.append(_why_unused(path, fitting))
            continue
        [recording] = fitting
        if recording in latest:
            uploaded.warnings.append(
                f"{latest[recording].name} was not used: {path.name} came later."
            )
        latest[recording] = path
    for recording, path in latest.items():
        _add_text(uploaded, recording, path, task_language)


def _recordings_of(text: Path, recordings: list[Path]) -> list[str]:
    """The names of the recordings that a text may belong to: by its own name first, then by
    the one that it had before the service numbered it."""
    stem = text_stem(text.name)
    for wanted in dict.fromkeys((stem, without_copy_number(stem))):
        for key in (str, str.casefold):
            for part in ("name", "stem"):
                fitting = [p.name for p in recordings if key(getattr(p, part)) == key(wanted)]
                if fitting:
                    return fitting
    return []


def _why_unused(text: Path, fitting: list[str]) -> str:
    if not fitting:
        stem = text_stem(text.name)
        return (
            f"{text.name} was not used: there is no recording {stem}. A text has the name of its "
            "recording."
        )
    return (
        f"{text.name} was not used: it may belong to {' or '.join(fitting)}. Name it "
        f"{fitting[0]}.txt, for one, and upload it again."
    )


def _add_text(
    uploaded: UploadedTranscripts, recording: str, path: Path, task_language: str
) -> None:
    language = clip_language(task_language)
    try:
        decoded = read_text_file(path, [language] if language else [])
        text = one_line(decoded.text)
        check_field("text", text)
    except InvalidInput as error:
        uploaded.warnings.append(f"{path.name} was not used: {error}")
        return
    if not text:
        uploaded.warnings.append(f"{path.name} was not used: it is empty.")
        return
    if decoded.remark:
        uploaded.warnings.append(decoded.remark)
    language = language or guess_language(text)
    uploaded.by_name[recording] = UploadedText(text, language, "", path.name)


# -- recordings of one name


def _drop_ambiguous(uploaded: UploadedTranscripts, recordings: list[Path]) -> None:
    """Two recordings of one name come from different folders; the second is kept under a
    numbered name. Where that one has no text, the text of the first may be the second's."""
    numbered: defaultdict[str, list[Path]] = defaultdict(list)
    for path in recordings:
        if copy_number(path.name) > 1:
            numbered[without_copy_number(path.name)].append(path)
    for first in recordings:
        others = [
            path
            for path in numbered[first.name]
            if path.name not in uploaded.by_name and not filecmp.cmp(first, path, shallow=False)
        ]
        if not others or first.name not in uploaded.by_name:
            continue
        text = uploaded.by_name.pop(first.name)
        uploaded.warnings.append(
            f"The text of {first.name} in {text.origin} was not used: another recording was "
            f"uploaded under that name and kept as {others[0].name}, so it may belong to either. "
            f"Upload a text for {others[0].name} as well, or remove one of the two."
        )
