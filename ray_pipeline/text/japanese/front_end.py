"""Text to phones: stretches of words go to OpenJTalk one by one, marks pass through."""

from __future__ import annotations

import re
import unicodedata
from itertools import chain

from ray_pipeline.text.japanese.corrections import correct
from ray_pipeline.text.japanese.prosody import phones_with_accents
from ray_pipeline.text.own_words import Pronunciations, split_at
from ray_pipeline.text.phones import Polyphones, SpokenText
from ray_pipeline.text.stable import until_stable

# Letters, digits, 々, kana, kanji and their full-width or half-width forms.
_WORDS = "A-Za-z\\d々\u3040-\u30ff\u4e00-\u9fff\uff11-\uff19\uff21-\uff3a\uff41-\uff5a\uff66-\uff9d"
_LONGEST_RUN = 1000  # OpenJTalk refuses a few thousand characters without a mark
_MARKS = dict.fromkeys("：；，、·", ",") | {"。": ".", "\n": ".", "！": "!", "？": "?"}


class JapaneseFrontEnd:
    def __init__(self) -> None:
        # Its dictionary is inside the wheel.
        import pyopenjtalk

        self._openjtalk = pyopenjtalk

    def __call__(
        self,
        text: str,
        *,
        pronunciations: Pronunciations,
        strict_compat: bool,
        polyphones: Polyphones | None = None,
    ) -> SpokenText:
        norm_text = normalise(text, strict_compat=strict_compat)
        spoken = norm_text.replace("％", "パーセント").lower()
        pieces = split_at(spoken, pronunciations, f"[^{_WORDS}]+")
        phones = chain.from_iterable(self._read(piece, pronunciations) for piece in pieces)
        dropped = [] if strict_compat else [c for c in text if _is_picture(c)]
        return SpokenText(norm_text, list(phones), dropped=dropped)

    def _read(self, piece: str, pronunciations: Pronunciations) -> list[str]:
        if piece in pronunciations:
            return list(pronunciations[piece])
        if re.match(f"[{_WORDS}]", piece):
            parts = (piece[i : i + _LONGEST_RUN] for i in range(0, len(piece), _LONGEST_RUN))
            return [phone for part in parts for phone in self._say(part)]
        return [_MARKS.get(char, char) for char in piece if char != " "]

    def _say(self, words: str) -> list[str]:
        return phones_with_accents(self._openjtalk.extract_fullcontext(words))


def _is_picture(char: str) -> bool:
    return unicodedata.category(char) == "So" and char not in "℃°"


def normalise(text: str, *, strict_compat: bool = True) -> str:
    """Runs of marks become their first; full-width ones stay, as in the original."""
    if strict_compat:
        return _collapse(text)
    return until_stable(lambda rest: _collapse(correct(rest)), text)


def _collapse(text: str) -> str:
    return re.sub(r"([!?…,.\-])[!?…,.\-]+", r"\1", text)
