"""Text to ARPAbet phones: normalise, tag, look up, guess."""

from __future__ import annotations

from ray_pipeline.text.english.lexicon import Lexicon
from ray_pipeline.text.english.normalise import Normalised, normalise
from ray_pipeline.text.english.pronounce import Pronouncer
from ray_pipeline.text.english.tagger import Tagger
from ray_pipeline.text.phones import Pronunciations, SpokenText

# Shorter inputs make the original's GPT unstable, so it puts a pause in front.
_FEWEST_PHONES = 4


class EnglishFrontEnd:
    def __init__(self) -> None:
        self._lexicon = Lexicon.load()
        self._tagger = Tagger()
        self._pronouncer = Pronouncer(self._lexicon)

    def __call__(
        self, text: str, *, pronunciations: Pronunciations, strict_compat: bool
    ) -> SpokenText:
        result = self._normalise(text, pronunciations, strict_compat)
        pronouncer = self._pronouncer.with_words(pronunciations)
        phones = [
            phone
            for token, tag in self._tagger.tag(result.text)
            for phone in pronouncer.token(token, tag)
        ]
        if phones and len(phones) < _FEWEST_PHONES:
            phones.insert(0, ",")
        return SpokenText(result.text, phones, dropped=result.dropped)

    def _normalise(
        self, text: str, pronunciations: Pronunciations, strict_compat: bool
    ) -> Normalised:
        if strict_compat:
            return normalise(text)
        known = self._lexicon.words.keys() | pronunciations.keys()
        return normalise(text, readable=known)
