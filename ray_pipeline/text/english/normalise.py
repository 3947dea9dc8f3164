"""English text as it is read: only letters, spaces and ' . , ? ! - remain.

    numbers and signs in words ─> accents off ─> other characters out
    ─> abbreviations, capitals set apart ─> runs of marks become their first

`normalise` keeps GPT-SoVITS's readings. Given the words that can be read, it first applies
`corrections.correct`, which rewrites what the original gets wrong.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass

from ray_pipeline.text.english.corrections import correct
from ray_pipeline.text.english.quantities import spell_out

_MARKS = str.maketrans("。！？", ".!?")
_ABBREVIATIONS = {"i.e.": "that is", "e.g.": "for example"}
_MOST_PASSES = 5


@dataclass(frozen=True)
class Normalised:
    """`dropped`: letters of other scripts and pictures, which English cannot read."""

    text: str
    dropped: list[str]


def normalise(text: str, readable: Collection[str] | None = None) -> Normalised:
    """`readable`: the words of the dictionary; given, the original's mistakes are put right."""
    if readable is None:
        return _one_pass(text.translate(_MARKS), ())
    result = _one_pass(correct(text, readable), readable)
    # A correction can bring about what another one is for: "Dr#. X" is "Dr. X" by now.
    for _ in range(_MOST_PASSES):
        again = _one_pass(correct(result.text, readable), readable)
        if again.text == result.text:
            break
        result = Normalised(again.text, result.dropped)
    return result


def _one_pass(text: str, readable: Collection[str]) -> Normalised:
    spelled_out = spell_out(text)
    lost = [char for char in spelled_out if _is_lost(char)]
    return Normalised(_tidy(_without_accents(spelled_out), readable), lost)


def _is_lost(char: str) -> bool:
    """Letters, numbers and signs of other scripts; lost punctuation changes no word."""
    if char.isascii():
        return False
    base = unicodedata.normalize("NFD", char)[0]
    return not base.isascii() and unicodedata.category(char)[0] in "LNS"


def _tidy(text: str, readable: Collection[str]) -> str:
    """Repeats until nothing changes: dropping a character can bring an abbreviation about."""
    before = None
    while text != before:
        before = text
        text = re.sub(r"[^ A-Za-z'.,?!\-]", "", text)
        for short, spoken in _ABBREVIATIONS.items():
            text = re.sub(re.escape(short), spoken, text, flags=re.IGNORECASE)
        text = _set_capitals_apart(text, readable)
        text = re.sub(r"([!?,.\-\s])[!?,.\-]+", r"\1", text)
    return text


def _set_capitals_apart(text: str, readable: Collection[str]) -> str:
    """OpenAI is Open A I: initials are spelled, joined words are parted.

    Words among `readable` stay whole, unless they are short enough to be initials.
    """

    def apart(match: re.Match[str]) -> str:
        word = match[0]
        if word.lower() in readable and not (word.isupper() and len(word) <= 3):
            return word
        return re.sub(r"(?<=\S)(?=[A-Z])", " ", word)

    return re.sub(r"\S+", apart, text) if not readable else re.sub(r"[A-Za-z']+", apart, text)


def _without_accents(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
