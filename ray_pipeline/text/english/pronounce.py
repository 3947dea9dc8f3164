"""Phones of one token: homographs, the dictionary, and ways around it."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from types import ModuleType

from ray_pipeline.text.english.homographs import homographs
from ray_pipeline.text.english.lexicon import Lexicon
from ray_pipeline.text.english.predictor import Predictor
from ray_pipeline.text.symbols import MARKS, symbol_table

_LONGEST_SPELLED = 3
_SIBILANTS = {"S", "Z", "SH", "ZH", "CH", "JH"}
_VOICELESS = {"P", "T", "K", "F", "TH", "HH"}


class Pronouncer:
    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon = lexicon
        # The same names and new words come again and again in one task.
        self._unknown = lru_cache(maxsize=10_000)(self._work_out)

    def token(self, token: str, tag: str) -> list[str]:
        """Phones of a token (word or mark) with its part of speech; [] if it says nothing."""
        word = token.lower()
        if not re.search("[a-z]", word):
            return [token] if token in MARKS else ["-"] if token == "'" else []
        if len(word) == 1:
            # A capital A is the letter, a small one the article.
            phones = self._letter(word) if token == "A" else self._lexicon.get(word) or []
        elif word in homographs():
            phones = homographs()[word].read(tag)
        else:
            phones = self._word(word)
        return [phone for phone in phones if phone in symbol_table("v1")]

    def _word(self, word: str) -> list[str]:
        known = self._lexicon.get(word) if len(word) > 1 else None
        return known or list(self._unknown(word))

    def _work_out(self, word: str) -> list[str]:
        """Phones of a word that the dictionary lacks."""
        if len(word) <= _LONGEST_SPELLED:
            return [phone for letter in word for phone in self._letter(letter)]
        if word.endswith("'s"):
            return with_possessive(self._word(re.sub("('s)+$", "", word)))
        parts: list[str] = _wordsegment().segment(word)
        if len(parts) > 1:
            return [phone for part in parts for phone in self._word(part)]
        return _predictor()(word)

    def _letter(self, letter: str) -> list[str]:
        """A letter's name; the dictionary has the article for `a`. A mark is itself."""
        if letter == "a" or letter in MARKS:
            return ["EY1"] if letter == "a" else [letter]
        return self._lexicon.get(letter) or []


def with_possessive(stem: list[str]) -> list[str]:
    """`stem` and its 's: IZ after a sibilant, S after a voiceless consonant, else Z."""
    if not stem:
        return []
    if stem[-1] in _SIBILANTS:
        return [*stem, "AH0", "Z"]
    return [*stem, "S" if stem[-1] in _VOICELESS else "Z"]


@cache
def _predictor() -> Predictor:
    return Predictor()


@cache
def _wordsegment() -> ModuleType:
    """Splits run-together words by word frequencies; loading them takes half a second."""
    import wordsegment

    wordsegment.load()
    return wordsegment
