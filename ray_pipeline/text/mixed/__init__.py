"""Text that mixes languages: cut where the language changes, each piece read in its own."""

from __future__ import annotations

from ray_pipeline.text.mixed.detector import Detector, small_detector
from ray_pipeline.text.mixed.modes import MODES, Mode, known_mode, mode_named
from ray_pipeline.text.mixed.segments import Segment, split_by_language

__all__ = [
    "MODES",
    "Detector",
    "Mode",
    "Segment",
    "known_mode",
    "mode_named",
    "small_detector",
    "split_by_language",
]
