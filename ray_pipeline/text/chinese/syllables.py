"""Hanzi to syllables (by pypinyin, a word at a time) and syllables to symbols."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from importlib.resources import files

# pypinyin's finals are those of the phonology; the table is by spelling.
_AFTER_INITIAL = {"uei": "ui", "iou": "iu", "uen": "un"}
_ALONE = {"ing": "ying", "i": "yi", "in": "yin", "u": "wu"}
_ALONE_BEGINNING = {"v": "yu", "e": "e", "i": "y", "u": "w"}


@dataclass(frozen=True)
class Syllable:
    """`final` is pypinyin's, without tone; `tone` is a digit, 5 for the neutral one."""

    character: str
    initial: str
    final: str
    tone: str

    def with_tone(self, tone: str) -> Syllable:
        return replace(self, tone=tone)

    def symbols(self) -> list[str]:
        """Two symbols, or the character itself where the table has no such syllable."""
        parts = _table().get(self._spelling())
        if parts is None or self.tone not in "12345":
            return [self.character]
        initial, final = parts
        return [initial, final + self.tone]

    def _spelling(self) -> str:
        if self.initial:
            return self.initial + _AFTER_INITIAL.get(self.final, self.final)
        if self.final in _ALONE or not self.final:
            return _ALONE.get(self.final, "")
        return _ALONE_BEGINNING.get(self.final[0], self.final[0]) + self.final[1:]


@lru_cache(maxsize=50_000)
def syllables(word: str) -> tuple[Syllable, ...]:
    """One a character; the readings are those of the whole word."""
    from pypinyin import Style, lazy_pinyin

    initials = lazy_pinyin(word, neutral_tone_with_five=True, style=Style.INITIALS)
    finals = lazy_pinyin(word, neutral_tone_with_five=True, style=Style.FINALS_TONE3)
    if not len(initials) == len(finals) == len(word):
        # A run without readings comes back as one piece; take it character by character.
        return tuple(_lone(char) for char in word)
    return tuple(map(_syllable, word, initials, finals))


def syllables_as(word: str, readings: Sequence[str | None]) -> tuple[Syllable, ...]:
    """As `syllables`, but a character is read as its pinyin in `readings` says, if it has one.

    Words of pypinyin's dictionary are left as they are: GPT-SoVITS, too, trusts a list of words
    more than the model behind `readings`, and nearly all of that list is in this dictionary.
    """
    by_word = syllables(word)
    if _is_known(word):
        return by_word
    given = (
        reading and _by_pinyin(char, reading) for char, reading in zip(word, readings, strict=True)
    )
    return tuple(new or old for new, old in zip(given, by_word, strict=True))


def tones(word: str) -> str:
    """The tones of a word by themselves, such as `33` for 你好."""
    return "".join(syllable.tone for syllable in syllables(word))


def _is_known(word: str) -> bool:
    from pypinyin.constants import PHRASES_DICT

    return word in PHRASES_DICT


def _by_pinyin(char: str, pinyin: str) -> Syllable | None:
    from pypinyin.contrib.tone_convert import to_finals_tone3, to_initials

    final = to_finals_tone3(pinyin, neutral_tone_with_five=True)
    return _syllable(char, to_initials(pinyin), final) if final else None


def _lone(char: str) -> Syllable:
    from pypinyin import Style, lazy_pinyin

    initial = "".join(lazy_pinyin(char, neutral_tone_with_five=True, style=Style.INITIALS))
    final = "".join(lazy_pinyin(char, neutral_tone_with_five=True, style=Style.FINALS_TONE3))
    return _syllable(char, initial, final)


def _syllable(char: str, initial: str, final: str) -> Syllable:
    tone = final[-1:] if final[-1:].isdigit() else "-"
    return Syllable(char, initial, final.rstrip("012345"), tone)


@cache
def _table() -> dict[str, list[str]]:
    """Spelling without tone to the symbols of its initial and its final."""
    source = files("ray_pipeline.text.chinese") / "syllables.json"
    table: dict[str, list[str]] = json.loads(source.read_text("utf-8"))
    return table
