"""From written text to the phones a voice is trained on.

    text ── front end of the language ──> normalised text, phones ── symbol table ──> ids

`phonemize` is the whole interface. A front end (one package a language) knows its language
and nothing of ids; `symbols` knows ids and nothing of languages. Everything is loaded at the
first call that needs it, once a process, and nothing is ever downloaded.
"""

from __future__ import annotations

from ray_pipeline.text.phones import FrontEnd, Phones, SpokenText, phonemize, supported_languages

__all__ = ["FrontEnd", "Phones", "SpokenText", "phonemize", "supported_languages"]
