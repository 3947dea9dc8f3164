"""`phonemize`: every stretch of a text read in its own language, the phones joined.

Segments never gain a character of the text; which ones they lost on the way is reported.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from ray_pipeline.core.blanks import plain_lines
from ray_pipeline.core.errors import InvalidInput
from ray_pipeline.text.mixed.detector import Detector, small_detector
from ray_pipeline.text.mixed.modes import known_mode, mode_named
from ray_pipeline.text.mixed.quantities import split_around_quantities
from ray_pipeline.text.mixed.segments import Segment, split_by_language
from ray_pipeline.text.own_words import Pronunciations
from ray_pipeline.text.phones import (
    Phones,
    Polyphones,
    nothing_to_read,
    phonemize_language,
    refuse_half_characters,
    supported_languages,
)
from ray_pipeline.text.symbols import MARKS, symbol_table
from ray_pipeline.text.widths import usual_width

# Below this the original puts a full stop before the text and starts again.
_FEWEST_PHONES = 6


def phonemize(
    text: str,
    mode: str,
    *,
    symbols: str = "v2",
    dictionary: Pronunciations | None = None,
    strict_compat: bool = False,
    polyphones: Polyphones | None = None,
    detector: Detector = small_detector,
) -> Phones:
    """Read `text` aloud in the languages that `mode` (a code or a name) allows: `zh` is Chinese
    with English in it, `auto` looks at each word; mixed/modes.py has them all.

    `parts` of the result holds the segments. A short text begins with a full stop, which gives
    the voice time to begin. `word2ph` is None where any segment has none.

    `dictionary` maps a word to its phones and wins over everything a front end knows.
    `strict_compat` keeps the readings of GPT-SoVITS even where they are plainly wrong;
    docs/text.md lists what is read right without it. `polyphones` is asked how Chinese
    characters are read in their sentence; without it each word is looked up by itself.

    Raises InvalidInput for an unknown mode, symbol table or dictionary phone and for a text
    with nothing that can be said in these languages (the original says its marks);
    BackendMissing where a language's libraries are not installed.
    """
    refuse_half_characters(text)
    chosen, text = mode_named(mode), plain_lines(text)
    text = text if strict_compat else usual_width(text)
    read_segment = partial(
        _read,
        fallback=chosen.rest or chosen.hanzi,
        symbols=symbols,
        dictionary=dictionary,
        strict_compat=strict_compat,
        polyphones=polyphones,
    )

    def read(text: str) -> tuple[list[Phones], list[str]]:
        segments = _segments(text, mode, detector, strict_compat)
        read = [(segment, read_segment(segment)) for segment in segments]
        silent = [segment.text for segment, phones in read if phones is None]
        lost = _lost(text, [segment.text for segment in segments]) + _countable("".join(silent))
        return [phones for _, phones in read if phones is not None], lost

    parts, lost = read(text)
    if text and sum(len(part.phones) for part in parts) < _FEWEST_PHONES:
        if strict_compat:
            text = "." + text
            parts, lost = read(text)
        else:  # as a phone: before digits, a full stop in the text would be a decimal point
            parts = _after_a_stop(parts, symbols)
    phones = _joined(text, known_mode(mode), parts, lost)
    if not phones.phones or (phones.is_silent and not strict_compat):
        raise nothing_to_read(phones.language)
    return phones


def _segments(text: str, mode: str, detector: Detector, strict_compat: bool) -> list[Segment]:
    if strict_compat:
        return split_by_language(text, mode, detector=detector)
    if not re.search("[\u3041-\u30ff]", text):
        detector = _never_japanese(detector)
    return split_around_quantities(text, mode, detector)


def _read(
    segment: Segment,
    *,
    fallback: str,
    symbols: str,
    dictionary: Pronunciations | None,
    strict_compat: bool,
    polyphones: Polyphones | None,
) -> Phones | None:
    """None for a segment without a sound: a bracket, an emoji."""
    language = segment.language if segment.language in supported_languages() else fallback
    try:
        return phonemize_language(
            segment.text,
            language,
            symbols=symbols,
            dictionary=dictionary,
            strict_compat=strict_compat,
            polyphones=polyphones,
        )
    except InvalidInput as error:
        if error.extra.get("field") != "text":
            raise
        return None


def _after_a_stop(parts: list[Phones], symbols: str) -> list[Phones]:
    if not parts or parts[0].phones[0] in MARKS:
        return parts
    first = parts[0]
    stopped = replace(
        first,
        norm_text="." + first.norm_text,
        phones=[".", *first.phones],
        ids=[symbol_table(symbols)["."], *first.ids],
        word2ph=None if first.word2ph is None else [1, *first.word2ph],
        words=[(".", 1), *first.words] if first.words else [],
    )
    return [stopped, *parts[1:]]


def _lost(text: str, segments: Sequence[str]) -> list[str]:
    """What of `text` stands in none of its segments."""
    rest = iter("".join(segments))
    expected = next(rest, "")
    lost = []
    for char in text:
        if char == expected:
            expected = next(rest, "")
        else:
            lost.append(char)
    return _countable("".join(lost)) if not expected else []


def _countable(text: str) -> list[str]:
    """Letters, numbers and signs; that a blank or a bracket is not said is no loss."""
    return [char for char in text if unicodedata.category(char)[0] in "LNS"]


def _joined(text: str, mode: str, parts: list[Phones], lost: list[str]) -> Phones:
    counts = [part.word2ph for part in parts]
    return Phones(
        text=text,
        norm_text="".join(part.norm_text for part in parts),
        phones=[phone for part in parts for phone in part.phones],
        ids=[number for part in parts for number in part.ids],
        word2ph=None if None in counts else [n for count in counts for n in count or ()],
        unknown=[unknown for part in parts for unknown in part.unknown] + lost,
        language=mode,
        words=[word for part in parts for word in part.words] if _all_have_words(parts) else [],
        parts=parts,
    )


def _all_have_words(parts: list[Phones]) -> bool:
    return all(part.words for part in parts)


def _never_japanese(detector: Detector) -> Detector:
    """A text without any kana is not Japanese, whatever a detector makes of lone hanzi."""

    def detect(text: str) -> Sequence[str]:
        return ["zh" if code == "ja" else code for code in detector(text)]

    return detect
