"""Text to pinyin symbols: normalise, cut into words, read the words, change tones.

A syllable is two symbols, a mark is one; `word2ph` counts them by characters.
"""

from __future__ import annotations

import re

from ray_pipeline.text.chinese.normalise import normalise
from ray_pipeline.text.chinese.sandhi import change_tones, tone_words
from ray_pipeline.text.chinese.syllables import Syllable, syllables
from ray_pipeline.text.chinese.words import Word, spoken_words
from ray_pipeline.text.own_words import Pronunciations, split_at, spread
from ray_pipeline.text.phones import SpokenText
from ray_pipeline.text.symbols import MARKS

MARK = f"[{re.escape(MARKS)}]"

# These make every comma of the text a longer pause; the first one that occurs decides.
_LONG_PAUSES = {"￥": "SP2", "^": "SP3"}
# Parts of speech whose 儿 is a syllable by itself: adjectives, abbreviations, names.
_NO_ERHUA_TAGS = ("a", "j", "nr")


class ChineseFrontEnd:
    def __call__(
        self, text: str, *, pronunciations: Pronunciations, strict_compat: bool
    ) -> SpokenText:
        comma = ","
        if strict_compat:
            sign = next((sign for sign in _LONG_PAUSES if sign in text), None)
            if sign:
                text, comma = text.replace(sign, ","), _LONG_PAUSES[sign]
        result = normalise(text, strict_compat=strict_compat)
        readings = [
            reading
            for piece in split_at(result.text, pronunciations, MARK)
            for reading in self._read(piece, comma, pronunciations)
        ]
        phones = [phone for reading in readings for phone in reading]
        return SpokenText(result.text, phones, [len(r) for r in readings], result.dropped)

    def _read(self, piece: str, comma: str, pronunciations: Pronunciations) -> list[list[str]]:
        """Phones of each character of a mark, a user's word, or a clause."""
        if piece in MARKS:
            return [[comma if piece == "," else piece]]
        if piece in pronunciations:
            return spread(pronunciations[piece], len(piece))
        return [syllable.symbols() for word in spoken_words(piece) for syllable in read_word(word)]


def read_word(word: Word) -> list[Syllable]:
    """The syllables of a word as they are said."""
    return _erhua(word, change_tones(word, syllables(word.text)))


def _erhua(word: Word, said: list[Syllable]) -> list[Syllable]:
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
