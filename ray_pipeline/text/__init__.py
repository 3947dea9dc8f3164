"""From written text to the phones a voice is trained on.

    text ── front end of the language ──> normalised text, phones ── symbol table ──> ids

`phonemize` takes a text in one language, `phonemize_mixed` one that may hold several. A front
end (one package a language) knows its language and nothing of ids; `symbols` knows ids and
nothing of languages. Everything is loaded at the first call that needs it, once a process, and
nothing is ever downloaded.
"""

from __future__ import annotations

from ray_pipeline.text.mixed.reading import phonemize_mixed
from ray_pipeline.text.own_words import parse_dictionary
from ray_pipeline.text.phones import FrontEnd, Phones, SpokenText, phonemize, supported_languages

__all__ = [
    "FrontEnd",
    "Phones",
    "SpokenText",
    "parse_dictionary",
    "phonemize",
    "phonemize_mixed",
    "supported_languages",
]
