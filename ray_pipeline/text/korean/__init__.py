"""Korean: written syllables to spoken ones (g2pk2), then to single jamo."""

from __future__ import annotations

from ray_pipeline.text.korean.front_end import KoreanFrontEnd

__all__ = ["KoreanFrontEnd"]
