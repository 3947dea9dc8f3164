"""`phonemize_mixed`: every segment read in its own language, the phones joined."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from typing import Any

from ray_pipeline.core.errors import InvalidInput
from ray_pipeline.text.mixed.detector import Detector, small_detector
from ray_pipeline.text.mixed.modes import mode_named
from ray_pipeline.text.mixed.segments import Segment, split_by_language
from ray_pipeline.text.own_words import Pronunciations
from ray_pipeline.text.phones import (
    Phones,
    Polyphones,
    nothing_to_read,
    phonemize,
    refuse_half_characters,
    supported_languages,
)

# Below this the original puts a full stop before the text and starts again.
_FEWEST_PHONES = 6


def phonemize_mixed(
    text: str,
    mode: str,
    *,
    symbols: str = "v2",
    dictionary: Pronunciations | None = None,
    strict_compat: bool = True,
    polyphones: Polyphones | None = None,
    detector: Detector = small_detector,
) -> Phones:
    """Read `text` in the languages that `mode` (a code or a Chinese name) allows.

    `parts` of the result holds the segments; `text` is the text as read, which begins with a
    full stop where it would be too short. `word2ph` is None where any segment has none.
    Raises InvalidInput for an unknown mode and a text with nothing to say.
    """
    refuse_half_characters(text)
    if not strict_compat and not re.search("[\u3041-\u30ff]", text):
        detector = _never_japanese(detector)

    read_segment = partial(
        _read,
        symbols=symbols,
        dictionary=dictionary,
        strict_compat=strict_compat,
        polyphones=polyphones,
    )

    def read(text: str) -> list[Phones]:
        fallback = mode_named(mode).rest or mode_named(mode).hanzi
        return [
            phones
            for segment in split_by_language(text, mode, detector=detector)
            if (phones := read_segment(segment, fallback))
        ]

    parts = read(text)
    if sum(len(part.phones) for part in parts) < _FEWEST_PHONES and text.strip():
        text = "." + text
        parts = read(text)
    if not parts:
        raise nothing_to_read(mode)
    return _joined(text, mode, parts)


def _read(segment: Segment, fallback: str, **how: Any) -> Phones | None:
    """None for a segment without a sound: a bracket, an emoji. `how` is for `phonemize`."""
    language = segment.language if segment.language in supported_languages() else fallback
    try:
        return phonemize(segment.text, language, **how)
    except InvalidInput as error:
        if error.extra.get("field") != "text":
            raise
        return None


def _joined(text: str, mode: str, parts: list[Phones]) -> Phones:
    counts = [part.word2ph for part in parts]
    return Phones(
        text=text,
        norm_text="".join(part.norm_text for part in parts),
        phones=[phone for part in parts for phone in part.phones],
        ids=[number for part in parts for number in part.ids],
        word2ph=None if None in counts else [n for count in counts for n in count or ()],
        unknown=[unknown for part in parts for unknown in part.unknown],
        language=mode,
        parts=parts,
    )


def _never_japanese(detector: Detector) -> Detector:
    """A text without any kana is not Japanese, whatever a detector makes of lone hanzi."""

    def detect(text: str) -> Sequence[str]:
        return ["zh" if code == "ja" else code for code in detector(text)]

    return detect
