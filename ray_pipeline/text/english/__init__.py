"""English: numbers and abbreviations spelled out, words looked up, unknown words guessed."""

from __future__ import annotations

from ray_pipeline.text.english.front_end import EnglishFrontEnd

__all__ = ["EnglishFrontEnd"]
