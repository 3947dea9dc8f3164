"""The original's annotation list: one clip a line, `audio path|speaker|LANGUAGE|text`.

Reading forgives what editors and other systems do to a file (byte order marks, CRLF, quotes
around paths, backslashes, blank lines, blanks of any kind, other encodings where they can be
told). It does not guess: a row that cannot be used is reported with its line number and a reason.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from ray_pipeline.core.blanks import one_line
from ray_pipeline.core.errors import InvalidInput
from ray_pipeline.core.languages import LANGUAGES, clip_language
from ray_pipeline.core.task import MAX_SPEAKER_LENGTH
from ray_pipeline.core.text_files import DecodedText, decode, read_text_bytes
from ray_pipeline.core.workspace import atomic_write, safe_file_name

_AROUND_PATHS = " \t\"'\u202a\ufeff"
_LANGUAGE_FIELD = re.compile(rb"^[^|\n]*\|[^|\n]*\|[ \t]*([A-Za-z]{2,12})[ \t]*\|", re.MULTILINE)


@dataclass(frozen=True)
class ListRow:
    """`language` is a code of `LANGUAGES`; `path` is as written, or absolute when we write.
    `line_number` counts from 1 and is 0 for a row that was not read from a file."""

    path: str
    speaker: str
    language: str
    text: str
    line_number: int = field(default=0, compare=False)

    @property
    def file_name(self) -> str:
        """The last part of the path, whichever slash it was written with."""
        return re.split(r"[\\/]", self.path)[-1]

    @property
    def key(self) -> str:
        return name_key(self.file_name)

    @property
    def is_clip(self) -> bool:
        """Whether it names a clip as the slicer does, by its place in the recording."""
        return bool(re.search(r"_\d{10}_\d{10}\.wav$", self.file_name))

    @property
    def folder(self) -> str:
        """What stands before the name, with `/` between folders; empty for a bare name."""
        return self.path.replace("\\", "/").rpartition("/")[0].removeprefix("./")

    def line(self) -> str:
        """Raises InvalidInput for what the four fields cannot hold."""
        for name, value in (("path", self.path), ("speaker", self.speaker), ("text", self.text)):
            check_field(name, value)
        if self.language not in LANGUAGES:
            raise InvalidInput(_bad_language(self.language), hint=_LANGUAGE_HINT, field="language")
        return "|".join((self.path, self.speaker, self.language.upper(), self.text))


@dataclass(frozen=True)
class ListProblem:
    """A row that was not taken. `line` counts from 1."""

    line: int
    reason: str


_LANGUAGE_HINT = f"Write one of {', '.join(code.upper() for code in LANGUAGES)}."


def name_key(name: str) -> str:
    """How names of files are compared: as uploads are renamed."""
    try:
        return safe_file_name(name)
    except InvalidInput:
        return one_line(name)


def check_field(name: str, value: str) -> None:
    """Raises InvalidInput for a text that would break the line it stands in."""
    if "|" in value:
        raise InvalidInput(
            f"The {name} {_shortened(value)!r} contains '|', which separates the fields of a "
            "list file.",
            hint="Remove the '|' or write a comma instead.",
            field=name,
        )
    if "\n" in value or "\r" in value:
        raise InvalidInput(
            f"The {name} {_shortened(value)!r} has more than one line.",
            hint="Write it on one line.",
            field=name,
        )


def write_list(path: Path, rows: Iterable[ListRow]) -> None:
    """Write a list file, atomically, in the order given. Raises InvalidInput as `line` does."""
    atomic_write(path, "".join(f"{row.line()}\n" for row in rows))


def read_list(path: Path) -> tuple[list[ListRow], list[ListProblem]]:
    """The rows of a list file and what was wrong with the others.

    Raises InvalidInput as `decode_list` does, and for a file larger than any list.
    """
    return parse_list(decode_list(read_text_bytes(path), path.name).text)


def decode_list(data: bytes, name: str) -> DecodedText:
    """The text of a list file, which may be in another encoding than UTF-8 if that fits the
    languages that its rows name. Raises InvalidInput when it is no text, or cannot be told."""
    named = {clip_language(word.decode()) for word in _LANGUAGE_FIELD.findall(data)}
    return decode(data, name, sorted(named - {None}, key=str))  # type: ignore[arg-type]


def parse_list(content: str) -> tuple[list[ListRow], list[ListProblem]]:
    rows: list[ListRow] = []
    problems: list[ListProblem] = []
    for number, line in enumerate(content.split("\n"), 1):
        if not one_line(line):
            continue
        row = _parse_row(line, number)
        if isinstance(row, ListRow):
            rows.append(row)
        else:
            problems.append(ListProblem(number, row))
    return rows, problems


def _parse_row(line: str, number: int) -> ListRow | str:
    """The row, or why it is none."""
    fields = line.split("|")
    if len(fields) < 4:
        return f"it has {len(fields) - 1} of the three | in path|speaker|LANGUAGE|text"
    if len(fields) > 4:
        return "it has more than four fields; a text must not contain '|'"
    path = fields[0].strip().strip(_AROUND_PATHS).rstrip("/\\")  # its blanks name a file
    speaker, language, text = (one_line(part) for part in fields[1:])
    code = clip_language(language)
    if code is None:
        return f"{_bad_language(language)} {_LANGUAGE_HINT}"
    if not path:
        return "it names no audio file"
    if not text:
        return "its text is empty"
    if len(speaker) > MAX_SPEAKER_LENGTH:
        return f"its speaker has {len(speaker)} characters; {MAX_SPEAKER_LENGTH} are the most"
    return ListRow(path, speaker, code, text, number)


def rows_by_name(rows: Iterable[ListRow]) -> tuple[dict[str, ListRow], list[ListProblem]]:
    """The one row that each file has in a list, by `ListRow.key`.

    Folders are not kept where files are uploaded, so rows that name equal files in several
    folders, or one file with several texts, do not say whose words they are: none of them is
    taken, and each is told."""
    named: defaultdict[str, list[ListRow]] = defaultdict(list)
    for row in rows:
        named[row.key].append(row)
    taken: dict[str, ListRow] = {}
    problems: list[ListProblem] = []
    for name, group in named.items():
        reason = _why_ambiguous(name, group)
        if reason is None:
            taken[name] = group[0]
        else:
            problems += [ListProblem(row.line_number, reason) for row in group]
    return taken, sorted(problems, key=lambda problem: problem.line)


def _why_ambiguous(name: str, rows: list[ListRow]) -> str | None:
    lines = _joined([row.line_number for row in rows])
    if len({row.folder for row in rows}) > 1:
        return (
            f"lines {lines} name files called {_shortened(name)} in different folders, and which "
            "of them was uploaded cannot be told. Give each recording a name of its own"
        )
    if len({(row.speaker, row.language, row.text) for row in rows}) > 1:
        return f"lines {lines} say different things about {_shortened(name)}. Keep one of them"
    return None


def _joined(numbers: Collection[int]) -> str:
    shown = [str(number) for number in sorted(numbers)]
    shown = [*shown[:4], "…", shown[-1]] if len(shown) > 6 else shown
    return f"{', '.join(shown[:-1])} and {shown[-1]}"


def _bad_language(language: str) -> str:
    if language.strip().lower() == "auto":
        return "The language AUTO says nothing about how to read the text."
    return f"The language {_shortened(language)!r} is not known."


def _shortened(value: str) -> str:
    return value if len(value) <= 60 else f"{value[:57]}…"
