"""Text to jyutping symbols: two a syllable, one a mark; `word2ph` counts them by characters."""

from __future__ import annotations

import re

from ray_pipeline.text.cantonese.syllables import symbols
from ray_pipeline.text.chinese.corrections import correct
from ray_pipeline.text.chinese.normalise import (
    MARKS,
    UNREADABLE,
    Normalised,
    in_words,
    keep_readable,
)
from ray_pipeline.text.own_words import Pronunciations, split_at, spread
from ray_pipeline.text.phones import Polyphones, SpokenText

# Read again, the original's - for ~ would be a minus sign; without strict_compat it is … as in zh.
_MARKS = MARKS | dict.fromkeys(map(ord, "~～"), "-")
# Characters that only Cantonese writes, such as 㗎, lie outside the original's range.
_UNREADABLE_BY_ALL = re.compile(r"[^\u3400-\u9fff!?…,.\-]")


class CantoneseFrontEnd:
    def __init__(self) -> None:
        import ToJyutping

        self._readings = ToJyutping.get_jyutping_list

    def __call__(
        self,
        text: str,
        *,
        pronunciations: Pronunciations,
        strict_compat: bool,
        polyphones: Polyphones | None = None,
    ) -> SpokenText:
        result = normalise(text, strict_compat=strict_compat)
        phones: list[str] = []
        word2ph: list[int] = []
        for piece in split_at(result.text, pronunciations):
            for of_character in self._read(piece, pronunciations, whole=not strict_compat):
                phones += of_character
                word2ph.append(len(of_character))
        return SpokenText(result.text, phones, word2ph, result.dropped)

    def _read(self, piece: str, pronunciations: Pronunciations, *, whole: bool) -> list[list[str]]:
        """`whole`: a character of two syllables (卅 saa1 aa6) is said in both."""
        if piece in pronunciations:
            return spread(pronunciations[piece], len(piece))
        return [
            [part for syllable in self._syllables(jyutping, whole) for part in symbols(syllable)]
            if jyutping
            else [char]
            for char, jyutping in self._readings(piece)
        ]

    def _syllables(self, jyutping: str, whole: bool) -> list[str]:
        return jyutping.split() if whole else [jyutping]


def normalise(text: str, *, strict_compat: bool = True) -> Normalised:
    """Hanzi and marks; runs of marks stay as they are, unlike in Chinese."""
    if strict_compat:
        return keep_readable(in_words(text).translate(_MARKS), UNREADABLE)
    spoken = in_words(correct(text), simplify=False).replace("幺", "一")
    result = keep_readable(spoken.translate(MARKS), _UNREADABLE_BY_ALL)
    return Normalised(result.text.replace("...", "…"), result.dropped)
