"""Quantities stay whole where a text is cut by language: 1/3, -5, 25℃ and 60km/h are read in the
language around them, instead of as English signs and letters between Chinese digits.

While the text is cut, each quantity is a run of digits of the same length.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ray_pipeline.text.mixed.detector import Detector
from ray_pipeline.text.mixed.segments import Segment, split_by_language

_UNITS = (
    *("km²", "cm²", "mm²", "m²", "cm³", "m³", "km", "cm", "mm", "kg", "mg", "ml", "ms", "min"),
    *("GB", "MB", "kW", "kHz", "MHz", "GHz", "Hz", "dB", "db", "m", "g", "L", "s", "h", "W", "V"),
)
_UNIT = f"(?:{'|'.join(_UNITS)})"
_QUANTITY = re.compile(
    r"(?<![A-Za-z0-9])"
    r"(?:[￥¥$€£₩] ?)?[-−+±]?"
    r"[0-9]+(?:[.,:：/~～-][0-9]+)*"
    rf"(?: ?(?:℃|℉|°[CF]?|[%％‰]|{_UNIT}(?:/{_UNIT})?)(?![A-Za-z0-9]))?"
    r"(?![A-Za-z])"
)


def split_around_quantities(text: str, mode: str, detector: Detector) -> list[Segment]:
    """As `split_by_language`, with every quantity in one segment."""
    text = re.sub(" {2,}", " ", text)
    masked = _QUANTITY.sub(lambda match: "0" * len(match[0]), text)
    return list(_restored(text, masked, split_by_language(masked, mode, detector=detector)))


def _restored(text: str, masked: str, segments: Iterable[Segment]) -> Iterator[Segment]:
    """The segments with the characters of `text`. Cutting leaves characters out, but changes
    neither the order nor what remains."""
    place = 0
    for segment in segments:
        characters = []
        for char in segment.text:
            place = masked.index(char, place)
            characters.append(text[place])
            place += 1
        yield Segment(segment.language, "".join(characters))
