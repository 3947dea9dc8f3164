"""Text files that users bring, in whatever encoding their editor chose."""

from __future__ import annotations

import codecs
from pathlib import Path

from ray_pipeline.core.errors import InvalidInput

_MAX_TEXT_BYTES = 64_000_000


def read_text(path: Path) -> str:
    """A text file of a user. Raises InvalidInput as `decode_text` does, and for one that is far
    larger than anybody writes: it is read as a whole."""
    if path.stat().st_size > _MAX_TEXT_BYTES:
        raise InvalidInput(
            f"{path.name} is over {_MAX_TEXT_BYTES // 1_000_000} MB, too large for a text file.",
            hint="If it is a recording, give it the suffix of one, such as .wav.",
            field="file",
        )
    return decode_text(path.read_bytes(), path.name)


def decode_text(data: bytes, name: str) -> str:
    """The text in a user's file: UTF-8, else UTF-16 by its mark, else GB18030.

    Raises InvalidInput, naming the file, when it is none of these.
    """
    utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    for encoding in ("utf-16",) if utf16 else ("utf-8-sig", "gb18030"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text.replace("\r\n", "\n").replace("\r", "\n")
    raise InvalidInput(f"{name} is not a text file.", hint="Save it as UTF-8 text.", field="file")
