"""Text to ARPAbet phones: normalise, tag, look up, guess."""

from __future__ import annotations

import re

from ray_pipeline.text.english.lexicon import Lexicon
from ray_pipeline.text.english.normalise import Normalised, normalise
from ray_pipeline.text.english.pronounce import Pronouncer, with_possessive
from ray_pipeline.text.english.tagger import Tagger
from ray_pipeline.text.own_words import Pronunciations
from ray_pipeline.text.phones import Polyphones, SpokenText

# Shorter inputs make the original's GPT unstable, so it puts a pause in front.
_FEWEST_PHONES = 4


class EnglishFrontEnd:
    def __init__(self) -> None:
        self._lexicon = Lexicon.load()
        self._tagger = Tagger()
        self._pronouncer = Pronouncer(self._lexicon)

    def __call__(
        self,
        text: str,
        *,
        pronunciations: Pronunciations,
        strict_compat: bool,
        polyphones: Polyphones | None = None,
    ) -> SpokenText:
        norm_texts: list[str] = []
        words: list[tuple[str, list[str]]] = []
        dropped: list[str] = []
        for piece in _pieces(text, pronunciations):
            own = _own_phones(piece, pronunciations)
            read = Normalised(piece, []) if own else self._normalise(piece, strict_compat)
            norm_texts.append(read.text)
            dropped += read.dropped
            words += [(piece, own)] if own else self._read(read.text)
        if 0 < sum(len(phones) for _, phones in words) < _FEWEST_PHONES:
            words.insert(0, (",", [","]))
        # Corrected pieces have no space at their ends.
        norm_text = ("" if strict_compat else " ").join(norm_texts)
        return SpokenText(
            norm_text,
            [phone for _, phones in words for phone in phones],
            dropped=dropped,
            words=[(word, len(phones)) for word, phones in words],
        )

    def _normalise(self, text: str, strict_compat: bool) -> Normalised:
        return normalise(text, readable=None if strict_compat else self._lexicon.words.keys())

    def _read(self, norm_text: str) -> list[tuple[str, list[str]]]:
        tokens = self._tagger.tag(norm_text)
        return [(token, self._pronouncer.token(token, tag)) for token, tag in tokens]


def _pieces(text: str, pronunciations: Pronunciations) -> list[str]:
    """The user's words, also as possessives, apart from what is between them."""
    if not pronunciations:
        return [text]
    words = "|".join(map(re.escape, sorted(pronunciations, key=len, reverse=True)))
    pattern = rf"(?<![A-Za-z])((?:{words})(?:['’]s)?)(?![A-Za-z])"
    return [piece for piece in re.split(pattern, text, flags=re.IGNORECASE) if piece]


def _own_phones(piece: str, pronunciations: Pronunciations) -> list[str]:
    word = piece.lower().replace("’", "'")
    if word in pronunciations:
        return list(pronunciations[word])
    stem = word.removesuffix("'s")
    return with_possessive(list(pronunciations[stem])) if stem in pronunciations else []
