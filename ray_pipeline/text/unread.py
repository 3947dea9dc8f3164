"""In which words of a text that stands which nobody could read."""

from __future__ import annotations

import re
from collections.abc import Sequence

_HAN, _KANA, _HANGUL = r"\u3400-\u9fff", r"\u3040-\u30ff", r"\uac00-\ud7af"
# Percentages, words of scripts with spaces, stretches of those without, signs one by one.
_WORD = re.compile(rf"\d[\d.,]*%|[{_HAN}]+|[{_KANA}]+|[{_HANGUL}]+|[^\W{_HAN}{_KANA}{_HANGUL}]+|\S")


def unread_words(text: str, unknown: Sequence[str]) -> list[str]:
    """Each once, in order: the words of `text` with a character of `unknown` (as `Phones` has
    it), then what of it stands in no word: a phone, or a character that was written otherwise."""
    lost = {item for item in unknown if len(item) == 1}
    words = [word for word in _WORD.findall(text) if not lost.isdisjoint(word)]
    in_words = set("".join(words))
    return list(dict.fromkeys([*words, *(item for item in unknown if item not in in_words)]))


def quote_some(words: Sequence[str], most: int = 5) -> str:
    """The first words in quotes, and how many there are beyond them."""
    named = ", ".join(map(repr, words[:most]))
    return f"{named} and {len(words) - most} more" if len(words) > most else named
