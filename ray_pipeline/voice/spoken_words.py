"""When words are said, by when their phones are."""

from __future__ import annotations

from collections.abc import Sequence

from ray_pipeline.text import Phones
from ray_pipeline.text.symbols import SOUNDLESS
from ray_pipeline.voice.speech import SpokenWord


def spoken_words(phones: Phones, borders: Sequence[float]) -> list[SpokenWord]:
    """`borders` [L + 1] are the seconds at which the phones [L] begin, and at which the last ends.
    Marks are left out; so is everything where a language does not tell its words."""
    words, first = [], 0
    for word, num_phones in phones.words:
        last = first + num_phones
        if not SOUNDLESS.issuperset(phones.phones[first:last]):
            words.append(SpokenWord(word, borders[first], borders[last]))
        first = last
    return words
