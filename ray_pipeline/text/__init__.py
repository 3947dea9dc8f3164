"""From written text to the phones a voice is trained on.

    text ── cut by language ──> front end of each ──> normalised text, phones ──> ids

`phonemize` takes a text and the mode in which it is read; `phonemize_language` is its part for
a text in one language. A front end (one package a language) knows its language and nothing of
ids; `symbols` knows ids and nothing of languages. Everything is loaded at the first call that
needs it, once a process, and nothing is ever downloaded.
"""

from __future__ import annotations

from ray_pipeline.text.mixed.reading import phonemize
from ray_pipeline.text.own_words import parse_dictionary
from ray_pipeline.text.phones import (
    FrontEnd,
    Phones,
    SpokenText,
    phonemize_language,
    supported_languages,
)

__all__ = [
    "FrontEnd",
    "Phones",
    "SpokenText",
    "parse_dictionary",
    "phonemize",
    "phonemize_language",
    "supported_languages",
]
