"""Cantonese: quantities in hanzi, jyutping by ToJyutping, syllables in two symbols."""

from __future__ import annotations

from ray_pipeline.text.cantonese.front_end import CantoneseFrontEnd

__all__ = ["CantoneseFrontEnd"]
