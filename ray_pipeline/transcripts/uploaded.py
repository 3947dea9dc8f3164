"""The transcripts that users upload beside their recordings.

`speech.txt` (or `speech.wav.txt`) beside `speech.wav` is what is said in it. A row of any
`.list` file in the folder may name an uploaded recording or a clip that the slicer cut.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ray_pipeline.core.errors import InvalidInput
from ray_pipeline.core.languages import clip_language, guess_language
from ray_pipeline.core.text_files import read_text
from ray_pipeline.core.workspace import is_partial, safe_file_name
from ray_pipeline.transcripts.list_file import check_field, read_list

_TEXT_SUFFIXES = (".txt", ".list", ".dict")


@dataclass(frozen=True)
class GivenText:
    """`origin` is the name of the file that it came from."""

    text: str
    language: str
    speaker: str
    origin: str


@dataclass
class GivenTranscripts:
    """`by_name` holds texts by the name of a recording or clip. `problems` are sentences."""

    by_name: dict[str, GivenText] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def of(self, name: str) -> GivenText | None:
        return self.by_name.get(name)


def recordings_in(folder: Path) -> list[Path]:
    """Every uploaded file but transcripts, dictionaries and unfinished ones, by name."""
    return sorted(
        path
        for path in folder.iterdir()
        if path.is_file() and not is_partial(path) and path.suffix.lower() not in _TEXT_SUFFIXES
    )


def given_transcripts(folder: Path, task_language: str) -> GivenTranscripts:
    """All transcripts of the folder. A `.txt` is in the task's language (guessed from its
    script when that is `auto`); it wins over a row of a list. Of two lists the one that was
    uploaded later wins: a corrected `me.list` is stored as `me (2).list`."""
    given = GivenTranscripts()
    lists = [p for p in folder.glob("*") if p.suffix.lower() == ".list" and not is_partial(p)]
    for path in sorted(lists, key=lambda path: (path.stat().st_mtime_ns, path.name)):
        _add_list(given, path)
    for recording in recordings_in(folder):
        for path in (recording.with_name(f"{recording.name}.txt"), recording.with_suffix(".txt")):
            if path.is_file():
                _add_text(given, recording.name, path, task_language)
                break
    return given


def _add_list(given: GivenTranscripts, path: Path) -> None:
    try:
        rows, problems = read_list(path)
    except InvalidInput as error:
        given.problems.append(str(error))
        return
    given.problems += [f"{path.name}, line {p.line}, was not used: {p.reason}" for p in problems]
    for row in rows:
        given.by_name[_upload_name(row.file_name)] = GivenText(
            row.text, row.language, row.speaker, path.name
        )


def _upload_name(name: str) -> str:
    """Uploads are renamed so that they are harmless; a row's name is renamed in the same way."""
    try:
        return safe_file_name(name)
    except InvalidInput:
        return name


def _add_text(given: GivenTranscripts, recording: str, path: Path, task_language: str) -> None:
    try:
        text = " ".join(read_text(path).split())
        check_field("text", text)
    except InvalidInput as error:
        given.problems.append(f"{path.name} was not used: {error}")
        return
    if not text:
        given.problems.append(f"{path.name} was not used: it is empty.")
        return
    language = clip_language(task_language) or guess_language(text)
    given.by_name[recording] = GivenText(text, language, "", path.name)
