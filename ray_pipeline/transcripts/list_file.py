"""The original's annotation list: one clip a line, `audio path|speaker|LANGUAGE|text`.

Reading forgives what editors and other systems do to a file (byte order marks, CRLF, quotes
around paths, backslashes, blank lines, GB18030 or UTF-16 text). It does not guess: a row that
cannot be used is reported with its line number and a reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ray_pipeline.core.errors import InvalidInput
from ray_pipeline.core.languages import LANGUAGES, clip_language
from ray_pipeline.core.task import MAX_SPEAKER_LENGTH
from ray_pipeline.core.text_files import read_text
from ray_pipeline.core.workspace import atomic_write

_AROUND_PATHS = " \t\"'\u202a\ufeff"


@dataclass(frozen=True)
class ListRow:
    """`language` is a code of `LANGUAGES`; `path` is as written, or absolute when we write."""

    path: str
    speaker: str
    language: str
    text: str

    @property
    def file_name(self) -> str:
        """The last part of the path, whichever slash it was written with."""
        return re.split(r"[\\/]", self.path)[-1]

    def line(self) -> str:
        """Raises InvalidInput for what the four fields cannot hold."""
        for field, value in (("path", self.path), ("speaker", self.speaker), ("text", self.text)):
            check_field(field, value)
        if self.language not in LANGUAGES:
            raise InvalidInput(_bad_language(self.language), hint=_LANGUAGE_HINT, field="language")
        return "|".join((self.path, self.speaker, self.language.upper(), self.text))


@dataclass(frozen=True)
class ListProblem:
    """A row that was not taken. `line` counts from 1."""

    line: int
    reason: str


_LANGUAGE_HINT = f"Write one of {', '.join(code.upper() for code in LANGUAGES)}."


def check_field(field: str, value: str) -> None:
    """Raises InvalidInput for a text that would break the line it stands in."""
    if "|" in value:
        raise InvalidInput(
            f"The {field} {_shortened(value)!r} contains '|', which separates the fields of a "
            "list file.",
            hint="Remove the '|' or write a comma instead.",
            field=field,
        )
    if len(value.splitlines()) > 1 or value.endswith(("\n", "\r")):
        raise InvalidInput(
            f"The {field} {_shortened(value)!r} has more than one line.",
            hint="Write it on one line.",
            field=field,
        )


def write_list(path: Path, rows: Iterable[ListRow]) -> None:
    """Write a list file, atomically, in the order given. Raises InvalidInput as `line` does."""
    atomic_write(path, "".join(f"{row.line()}\n" for row in rows))


def read_list(path: Path) -> tuple[list[ListRow], list[ListProblem]]:
    """The rows of a list file and what was wrong with the others.

    Raises InvalidInput when the file is no text at all.
    """
    return parse_list(read_text(path))


def parse_list(content: str) -> tuple[list[ListRow], list[ListProblem]]:
    rows: list[ListRow] = []
    problems: list[ListProblem] = []
    for number, line in enumerate(content.removeprefix("\ufeff").split("\n"), 1):
        stripped = line.strip(" \t\r\ufeff")
        if not stripped:
            continue
        row = _parse_row(stripped)
        if isinstance(row, ListRow):
            rows.append(row)
        else:
            problems.append(ListProblem(number, row))
    return rows, problems


def _parse_row(line: str) -> ListRow | str:
    """The row, or why it is none."""
    fields = line.split("|")
    if len(fields) < 4:
        return f"it has {len(fields) - 1} of the three | in path|speaker|LANGUAGE|text"
    if len(fields) > 4:
        return "it has more than four fields; a text must not contain '|'"
    path, speaker, language, text = (field.strip() for field in fields)
    path = path.strip(_AROUND_PATHS).rstrip("/\\")
    code = clip_language(language)
    if code is None:
        return f"{_bad_language(language)} {_LANGUAGE_HINT}"
    if not path:
        return "it names no audio file"
    if not text:
        return "its text is empty"
    if len(speaker) > MAX_SPEAKER_LENGTH:
        return f"its speaker has {len(speaker)} characters; {MAX_SPEAKER_LENGTH} are the most"
    return ListRow(path, speaker, code, text)


def _bad_language(language: str) -> str:
    if language.strip().lower() == "auto":
        return "The language AUTO says nothing about how to read the text."
    return f"The language {_shortened(language)!r} is not known."


def _shortened(value: str) -> str:
    return value if len(value) <= 60 else f"{value[:57]}…"
