"""Text to pinyin symbols: normalise, cut into words, read the words, change tones.

A syllable is two symbols, a mark is one; `word2ph` counts them by characters.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ray_pipeline.text.chinese.normalise import normalise
from ray_pipeline.text.chinese.sandhi import change_tones, tone_words
from ray_pipeline.text.chinese.syllables import Syllable, syllables, syllables_as
from ray_pipeline.text.chinese.words import Word, spoken_words
from ray_pipeline.text.own_words import Pronunciations, split_at, spread
from ray_pipeline.text.phones import Polyphones, SpokenText
from ray_pipeline.text.symbols import MARKS

MARK = f"[{re.escape(MARKS)}]"
_NO_MARK = f"[^{re.escape(MARKS)}]"

# These make every comma of the text a longer pause; the first one that occurs decides.
_LONG_PAUSES = {"￥": "SP2", "^": "SP3"}
# Parts of speech whose 儿 is a syllable by itself: adjectives, abbreviations, names.
_NO_ERHUA_TAGS = ("a", "j", "nr")


class ChineseFrontEnd:
    """`as_v1`: as base model v1 learned Chinese, 儿 keeps its own tone and polyphones are read
    by their word."""

    def __init__(self, *, as_v1: bool = False) -> None:
        self._as_v1 = as_v1

    def __call__(
        self,
        text: str,
        *,
        pronunciations: Pronunciations,
        strict_compat: bool,
        polyphones: Polyphones | None = None,
    ) -> SpokenText:
        comma = ","
        if strict_compat:
            sign = next((sign for sign in _LONG_PAUSES if sign in text), None)
            if sign:
                text, comma = text.replace(sign, ","), _LONG_PAUSES[sign]
        result = normalise(text, strict_compat=strict_compat)
        # A user's word is shown to the model too: it may decide how its neighbours are read.
        asked = None if self._as_v1 else polyphones
        readings = [] if asked is None else _readings(result.text, asked)
        spoken: list[list[str]] = []
        for piece in split_at(result.text, pronunciations, MARK):
            if piece in MARKS:
                spoken.append([comma if piece == "," else piece])
            elif piece in pronunciations:
                spoken += spread(pronunciations[piece], len(piece))
            else:
                spoken += self._clause(piece, readings[len(spoken) :])
        phones = [phone for character in spoken for phone in character]
        return SpokenText(result.text, phones, [len(c) for c in spoken], result.dropped)

    def _clause(self, text: str, readings: Sequence[str | None]) -> list[list[str]]:
        """Phones of each character. `readings` may be longer than the text, or empty."""
        spoken: list[list[str]] = []
        for word in spoken_words(text):
            said = self._read_word(word, readings[len(spoken) :][: len(word.text)])
            spoken += [syllable.symbols() for syllable in said]
        return spoken

    def _read_word(self, word: Word, readings: Sequence[str | None]) -> list[Syllable]:
        """The syllables of a word as they are said."""
        read = syllables_as(word.text, readings) if readings else syllables(word.text)
        said = change_tones(word, read)
        return said if self._as_v1 else _with_erhua(word, said)


def _readings(text: str, polyphones: Polyphones) -> list[str | None]:
    """Of each character, by the sentence that it is in; a sentence ends with any mark."""
    sentences = re.findall(f"{_NO_MARK}*{MARK}|{_NO_MARK}+", text)
    return [reading for sentence in polyphones(sentences) for reading in sentence]


def _with_erhua(word: Word, said: list[Syllable]) -> list[Syllable]:
    """儿 at the end takes the tone of the syllable it colours, unless it is a child."""
    words = tone_words()
    if not word.text.endswith("儿") or said[-1].final != "er":
        return said
    kept = word.text in words.not_erhua or word.tag in _NO_ERHUA_TAGS
    if kept and word.text not in words.erhua:
        return said
    tone = "2" if said[-1].tone == "1" else said[-1].tone
    if len(said) > 1 and tone in "25" and word.text[-2:] not in words.not_erhua:
        tone = said[-2].tone
    return [*said[:-1], said[-1].with_tone(tone)]
