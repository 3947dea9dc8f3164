"""Text files that users bring, in whatever encoding their editor chose."""

from __future__ import annotations

import codecs
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from ray_pipeline.core.errors import InvalidInput
from ray_pipeline.core.text_encodings import likely_readings, unmarked_utf16

_MAX_TEXT_BYTES = 64_000_000
# The mark of UTF-32 begins like the one of UTF-16, so it is looked for first.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig", "UTF-8"),
    (codecs.BOM_UTF32_LE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
)
_CODES_IN_TEXTS = b"\t\n\v\f\r\x1a\x1b"  # of those below the space
_ABOVE_CODES = bytes(range(0x20, 0x100))
_HINT = "Save it as UTF-8 text (in Notepad: Save as, Encoding: UTF-8) and upload it again."


@dataclass(frozen=True)
class DecodedText:
    """`text` has newlines alone between its lines; `encoding` is as users know it. It was
    guessed where the file has neither a mark nor is UTF-8."""

    name: str
    text: str
    encoding: str
    is_guess: bool = False

    @property
    def remark(self) -> str | None:
        """A sentence about a guess, for whoever can look at the text."""
        if not self.is_guess:
            return None
        return (
            f"{self.name} is not UTF-8 and was read as {self.encoding}; look at its texts, or "
            "save it as UTF-8."
        )


def read_text(path: Path) -> str:
    """As `read_text_file`, for whom the text is enough."""
    return read_text_file(path).text


def read_text_file(path: Path, languages: Collection[str] = ()) -> DecodedText:
    """A text file of a user. Raises InvalidInput as `decode` does, and for one that is far
    larger than anybody writes: it is read as a whole."""
    return decode(read_text_bytes(path), path.name, languages)


def read_text_bytes(path: Path) -> bytes:
    """Raises InvalidInput for a file that is larger than any text."""
    if path.stat().st_size > _MAX_TEXT_BYTES:
        raise InvalidInput(
            f"{path.name} is over {_MAX_TEXT_BYTES // 1_000_000} MB, too large for a text file.",
            hint="If it is a recording, give it the suffix of one, such as .wav.",
            field="file",
        )
    return path.read_bytes()


def decode(data: bytes, name: str, languages: Collection[str] = ()) -> DecodedText:
    """The text in a user's file: Unicode by its mark, else UTF-8, else the one encoding in which
    it makes sense, if that is one of `languages` (codes such as `zh`; none means any).

    Raises InvalidInput, naming the file, when it is none of these, or may be one or another.
    """
    for mark, codec, encoding in _MARKS:
        if data.startswith(mark):
            try:
                return _decoded(name, data.decode(codec), encoding)
            except UnicodeDecodeError:
                raise _no_text(name) from None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = None
    # ISO-2022-JP is ASCII with escape codes, UTF-16 without accents is ASCII with zero bytes.
    if text is not None and "\x1b" not in text and "\x00" not in text:
        return _decoded(name, text, "UTF-8")
    utf16 = unmarked_utf16(data)
    if utf16 is not None:
        return _decoded(name, utf16, "UTF-16", is_guess=True)
    if b"\x00" in data:
        raise _no_text(name)
    readings = likely_readings(data)
    fitting = [x for x in readings if not languages or set(x.languages) & set(languages)]
    if len(readings) == 1 and fitting:
        return _decoded(name, readings[fitting[0]], fitting[0].name, is_guess=True)
    if not readings and data.translate(None, _CODES_IN_TEXTS).translate(None, _ABOVE_CODES):
        raise _no_text(name)
    between = f" (it may be {' or '.join(x.name for x in readings)})" if readings else ""
    raise InvalidInput(
        f"{name} is not UTF-8, and its encoding cannot be told for sure{between}.",
        hint=_HINT,
        field="file",
    )


def _decoded(name: str, text: str, encoding: str, *, is_guess: bool = False) -> DecodedText:
    if "\x00" in text:
        raise _no_text(name)
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    return DecodedText(name, lines, encoding, is_guess)


def _no_text(name: str) -> InvalidInput:
    return InvalidInput(f"{name} is not a text file.", hint=_HINT, field="file")
