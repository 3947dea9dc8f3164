"""The name of an uploaded file, out of what a sender wrote into the part's Content-Disposition."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from urllib.parse import unquote, unquote_to_bytes

from python_multipart.multipart import parse_options_header

FIELD = "file"
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]+")
_EXTENDED_NAME = re.compile(r"filename\*\s*=\s*([\w-]+)'[^']*'([^;]+)", re.IGNORECASE)


def file_name_of(disposition: bytes, language: str = "auto") -> str | None:
    """The file name in a part's Content-Disposition, or None where the part is no file of
    our field. `language` is the task's, for names in an encoding that nobody names.

    Senders differ: raw UTF-8 with `%22` for a quote (HTML's rule: browsers, requests),
    backslashes (older curl), RFC 2231's `filename*=utf-8''…` (older urllib3), or the bytes of
    the sender's own file system.
    """
    text = disposition.decode("latin-1")
    _, parameters = parse_options_header(text)
    if parameters.get(b"name") != FIELD.encode():
        return None
    if b"filename" in parameters:
        raw = decoded_name(parameters[b"filename"], language)
        for escaped, character in (("%22", '"'), ("%0D", "\r"), ("%0A", "\n")):
            raw = raw.replace(escaped, character)
        return raw
    extended = _EXTENDED_NAME.search(text)
    if extended is None:
        return None
    charset, value = extended.groups()
    try:
        return unquote_to_bytes(value.strip()).decode(charset, "replace")
    except LookupError:
        return unquote(value.strip())


def decoded_name(raw: bytes, language: str = "auto") -> str:
    """The text of a file name in an encoding that nobody names.

    UTF-8 is certain where it fits. Western letters beyond ASCII mostly stand alone, where the
    bytes of other scripts come in pairs. A name is too short for statistics, so of those the
    first wins whose text is written as names are, beginning with the encoding of the task's
    language.
    """
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        western = raw.decode("cp1252", "replace")
    if _is_western(_BEYOND_ASCII.findall(western)):
        return western
    own = _ENCODING_OF_LANGUAGE.get(language, "gb2312")
    for encoding in (own, *(other for other in _WRITTEN if other != own)):
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        if all(map(_WRITTEN[encoding], _BEYOND_ASCII.findall(text))):
            return text
    return western


def _is_western(runs: list[str]) -> bool:
    if not all(map(str.isalpha, runs)):
        return False
    # à to ÿ, two in a row, would be a rare character in each of the other encodings.
    return any(len(run) % 2 for run in runs) or all(min(run) >= "à" for run in runs)


def _is_common_han(run: str) -> bool:
    # The first level of GB 2312: the 3,755 characters in use, rows 16 to 55; and punctuation.
    leads = run.encode("gb2312")[::2]
    return all(0xB0 <= lead <= 0xD7 or 0xA1 <= lead <= 0xA3 for lead in leads)


def _is_of(*scripts: str) -> Callable[[str], bool]:
    def fits(run: str) -> bool:
        return all(unicodedata.name(character, "").startswith(scripts) for character in run)

    return fits


_HAN = ("CJK", "FULLWIDTH", "IDEOGRAPHIC")
# In the order in which they are tried; GB 2312's common characters leave out most accidents.
_WRITTEN: dict[str, Callable[[str], bool]] = {
    "gb2312": _is_common_han,
    "cp932": _is_of("HIRAGANA", "KATAKANA", *_HAN),
    "cp949": _is_of("HANGUL SYLLABLE"),
    "big5": _is_of(*_HAN),
    "gbk": _is_of(*_HAN),
}
_ENCODING_OF_LANGUAGE = {"ja": "cp932", "ko": "cp949", "yue": "big5"}
