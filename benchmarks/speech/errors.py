"""Errors of a recogniser: in words for languages that write them, else in characters.

What may be written in two ways is brought to one first: numbers in words, simplified
characters, no marks, no capitals, spaces for hyphens.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from examples.intelligibility import edit_distance, words


@dataclass(frozen=True)
class Errors:
    """`units` is how many words or characters were said."""

    edits: int
    units: int

    @property
    def rate(self) -> float:
        return self.edits / max(self.units, 1)


def count(said: str, heard: str, language: str) -> Errors:
    """Characters for zh and yue, words for en. Raises KeyError for other languages."""
    split = _UNITS[language]
    reference = split(said)
    return Errors(edit_distance(reference, split(heard)), len(reference))


def total(counted: Iterable[Errors]) -> Errors:
    everything = list(counted)
    return Errors(sum(one.edits for one in everything), sum(one.units for one in everything))


def _english(text: str) -> list[str]:
    from ray_pipeline.text.english.normalise import normalise

    return words(normalise(text).text.replace("-", " "))


def _chinese(text: str) -> list[str]:
    """Characters; a word in Latin letters counts as its letters."""
    from ray_pipeline.text.chinese.normalise import in_words

    return re.findall(r"[a-z\u3400-\u9fff]", in_words(text).lower())


_UNITS = {"en": _english, "zh": _chinese, "yue": _chinese}
