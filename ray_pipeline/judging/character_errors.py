"""How much of a sentence was understood: Levenshtein's distance in characters.

What may be written in two ways is brought to one first: capitals, marks, widths; numbers in words
in English and Chinese; simplified characters in Chinese.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

_WITH_BLANKS = ("en", "ko")


def error_rate(pairs: Iterable[tuple[str, str, str]]) -> float | None:
    """Of what was to be said, what was heard, and the language: wrong characters to all, 0 to 1.
    Each sentence has as many errors as characters at most: a recogniser that hears noise may write
    any number of words. None where nothing was to be said."""
    errors, characters = 0, 0
    for said, heard, language in pairs:
        expected, got = spelled(said, language), spelled(heard, language)
        errors += min(distance(expected, got), len(expected))
        characters += len(expected)
    return errors / characters if characters else None


def spelled(text: str, language: str) -> str:
    """The characters that count; words with one blank between where the language has blanks."""
    text = unicodedata.normalize("NFKC", text)
    if language == "en":
        from ray_pipeline.text.english.normalise import normalise

        text = normalise(text.replace("’", "'")).text.replace("'", "")
    elif language in ("zh", "yue"):
        from ray_pipeline.text.chinese.normalise import in_words

        text = in_words(text)
    letters = "".join(char if char.isalnum() else " " for char in text.casefold())
    return (" " if language in _WITH_BLANKS else "").join(letters.split())


def distance(expected: Sequence[str], got: Sequence[str]) -> int:
    """How many characters have to be put in, left out or replaced."""
    row = list(range(len(got) + 1))
    for number, one in enumerate(expected, 1):
        diagonal, row[0] = row[0], number
        for place, other in enumerate(got, 1):
            replaced = diagonal + (one != other)
            diagonal = row[place]
            row[place] = min(replaced, row[place] + 1, row[place - 1] + 1)
    return row[-1]
