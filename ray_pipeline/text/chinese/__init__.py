"""Chinese: numbers in words, pinyin by the word, tones as they change in speech."""

from __future__ import annotations

from ray_pipeline.text.chinese.front_end import ChineseFrontEnd

__all__ = ["ChineseFrontEnd"]
