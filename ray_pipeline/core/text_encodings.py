"""Which encoding a text of five languages is in, where it is not Unicode.

Nearly every string of bytes is a text in several encodings, and detectors that go by the bytes
alone take a short Chinese line for Korean as often as not. So a reading is believed only where
most of its characters are everyday ones of a language that is written in that encoding: wrong
readings give rare characters. What can be read in two ways is told as such.

`everyday_characters.json` holds the thousand most frequent Chinese characters (counted over the
word frequencies of jieba's dictionary, in both scripts, with those of written Cantonese) and
the four hundred most frequent syllables of Korean.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_UNREADABLE = ("Co", "Cn", "Cs")  # private use, not assigned, half of a pair
_BLANK_CODES = "\t\n\r\v\f\x85"
_LEAST_EVERYDAY = 0.6
_LEAST_KANA = 0.1
_MOST_ACCENTED, _FEWEST_LETTERS = 0.2, 3
# Letters of words that English has borrowed, and what word processors put in for plain marks.
_WESTERN = frozenset("àâäçèéêëîïñôöùûüÀÂÇÈÉÊÖÜ‘’“”–—…•€£©®°\u00a0")


@dataclass(frozen=True)
class Encoding:
    """`codec` is Python's name, `name` the one that users know."""

    codec: str
    name: str
    languages: tuple[str, ...]
    is_likely: Callable[[str], bool]


def likely_readings(data: bytes) -> dict[Encoding, str]:
    """The readings of `data` that make sense as a text of one of the five languages."""
    readings: dict[Encoding, str] = {}
    for encoding in _ENCODINGS:
        try:
            text = data.decode(encoding.codec)
        except UnicodeDecodeError:
            continue
        if is_readable(text) and encoding.is_likely(text) and text not in readings.values():
            readings[encoding] = text
    return readings


def unmarked_utf16(data: bytes) -> str | None:
    """A text of UTF-16 without its byte order mark, known by the zero bytes that every space and
    line break of it has, and by making sense; None where `data` is none."""
    if len(data) % 2 or b"\x00" not in data:
        return None
    readings = []
    for codec in ("utf-16-le", "utf-16-be"):
        try:
            readings.append(data.decode(codec))
        except UnicodeDecodeError:
            continue
    text = max(readings, key=_num_ascii, default="")
    makes_sense = text.isascii() or any(encoding.is_likely(text) for encoding in _ENCODINGS)
    return text if text and makes_sense and is_readable(text) else None


def _num_ascii(text: str) -> int:
    return sum(character.isascii() for character in text)


def is_readable(text: str) -> bool:
    """Whether every character is one that a text may have: no control codes but white space, and
    none that Unicode has not assigned."""
    return not any(
        (kind := unicodedata.category(character)) in _UNREADABLE
        or (kind == "Cc" and character not in _BLANK_CODES)
        for character in set(text)
    )


def _letters(text: str) -> list[str]:
    """What the text says besides ASCII, punctuation and symbols."""
    return [x for x in text if not x.isascii() and unicodedata.category(x)[0] == "L"]


def _are_everyday(letters: list[str], table: str) -> bool:
    """Most of them; all of two or three, and one letter alone tells nothing."""
    everyday = sum(letter in _everyday(table) for letter in letters)
    least = _LEAST_EVERYDAY * len(letters) if len(letters) > 3 else len(letters)
    return len(letters) > 1 and everyday >= least


def _is_likely_chinese(text: str) -> bool:
    letters = _letters(text)
    return any(_are_everyday(letters, table) for table in ("simplified", "traditional"))


def _is_likely_japanese(text: str) -> bool:
    """Kana and the kanji of the first level of JIS X 0208; kana of half width are what wrong
    readings give."""
    letters = _letters(text)
    kana = [x for x in letters if "\u3041" <= x <= "\u30ff"]
    kanji = [x for x in letters if "\u4e00" <= x <= "\u9fff"]
    usual = [x for x in kanji if x.encode("euc_jp", "replace") < b"\xd0"]
    return (
        len(kana) >= max(1, _LEAST_KANA * len(letters))
        and len(kana) + len(kanji) == len(letters)
        and len(usual) >= 0.9 * len(kanji)
    )


def _is_likely_korean(text: str) -> bool:
    """Syllables, and single letters as in ㅋㅋ; hanja are what wrong readings give."""
    letters = _letters(text)
    syllables = [x for x in letters if "\uac00" <= x <= "\ud7a3"]
    single = [x for x in letters if "\u3131" <= x <= "\u3163"]
    return len(syllables) + len(single) == len(letters) and _are_everyday(syllables, "hangul")


def _is_likely_english(text: str) -> bool:
    """Some typographic marks and accents among ASCII; never two accented letters in a row."""
    num_letters = sum(x.isalpha() for x in text)
    accented = _letters(text)
    return (
        {x for x in text if not x.isascii()} <= _WESTERN
        and num_letters >= _FEWEST_LETTERS
        and len(accented) <= _MOST_ACCENTED * num_letters
        and not re.search(r"[^\W\d_a-zA-Z]{2}", text)
    )


@cache
def _everyday(name: str) -> frozenset[str]:
    table = json.loads(Path(__file__).with_name("everyday_characters.json").read_text("utf-8"))
    return frozenset(table[name])


_ENCODINGS = (
    Encoding("gb18030", "GB18030", ("zh", "yue"), _is_likely_chinese),
    Encoding("big5hkscs", "Big5", ("zh", "yue"), _is_likely_chinese),
    Encoding("cp932", "Shift-JIS", ("ja",), _is_likely_japanese),
    Encoding("euc_jp", "EUC-JP", ("ja",), _is_likely_japanese),
    Encoding("iso2022_jp", "ISO-2022-JP", ("ja",), _is_likely_japanese),
    Encoding("cp949", "cp949", ("ko",), _is_likely_korean),
    Encoding("cp1252", "cp1252", ("en",), _is_likely_english),
)
