"""Where the language of a text changes.

split-lang's stretches ─> kana is Japanese, Hangul Korean, ASCII letters English
─> digits go to a neighbour ─> the unknown joins its neighbour ─> what the mode says
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ray_pipeline.text.mixed.detector import Detector, small_detector
from ray_pipeline.text.mixed.modes import Mode, mode_named
from ray_pipeline.text.mixed.stretches import UNKNOWN_LANGUAGE, Stretch, stretches

_DIGITS = "digit"
_KANA = "\u3041-\u3096\u3099\u309a\u30a1-\u30fa\u30fc"
_HANGUL = "\u1100-\u11ff\u3130-\u318f\uac00-\ud7af"
_RUNS_ON = "0-9、-〜。！？.!?… "
_JAPANESE = re.compile(f"([{_KANA}]+(?:[{_RUNS_ON}]+[{_KANA}]*)*)")
_KOREAN = re.compile(f"([{_HANGUL}]+(?:[{_RUNS_ON}]+[{_HANGUL}]*)*)")
_ENGLISH = re.compile("(?=.*[A-Za-z])[\\s\u0020-\u007e\u2000-\u206f\u3000-\u303f\uff00-\uffef]+")
_HANZI = "\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff"
_NOT_CHINESE = re.compile(f"[^{_HANZI}0-9、-〜。！？.!?… /]")
_CLAUSE_MARKS = tuple(",.!?，。！？")


@dataclass(frozen=True)
class Segment:
    """`language`: zh, yue, ja, ko, en, or `punctuation` where a text has nothing else."""

    language: str
    text: str


def split_by_language(
    text: str, mode: str, *, detector: Detector = small_detector
) -> list[Segment]:
    """The text in pieces of one language each; runs of spaces become one space.

    Raises InvalidInput for an unknown mode.
    """
    chosen = mode_named(mode)
    text = re.sub(" {2,}", " ", text)
    if chosen.whole:
        return [Segment(chosen.whole, text)]
    segments = _segments(text, chosen, detector)
    if chosen.rest:
        named = (
            Segment("en" if segment.language == "en" else chosen.rest, segment.text)
            for segment in segments
        )
        return _merged(named)
    return [
        Segment(chosen.hanzi if segment.language == "zh" else segment.language, segment.text)
        for segment in segments
    ]


def _segments(text: str, mode: Mode, detector: Detector) -> list[Segment]:
    by_script = _merged(
        segment
        for stretch in stretches(text, detector)
        for segment in _by_script(stretch, mode.forced)
    )
    return _merged(_without_unknown(_merged(_without_digits(by_script))))


def _by_script(stretch: Stretch, forced: str | None) -> list[Segment]:
    if stretch.language == _DIGITS:
        return [Segment(forced or _DIGITS, stretch.text)]
    if _ENGLISH.fullmatch(stretch.text):
        return [Segment("en", stretch.text)]
    if forced:
        return [Segment(forced, stretch.text)]
    segments = [Segment(stretch.language, stretch.text)]
    for language, pattern in (("ja", _JAPANESE), ("ko", _KOREAN)):
        segments = [part for segment in segments for part in _split_off(segment, language, pattern)]
    return [_known_by_hanzi(segment) for segment in segments]


def _split_off(segment: Segment, language: str, pattern: re.Pattern[str]) -> list[Segment]:
    if segment.language == language:
        return [segment]
    # Every other part is a match, since the pattern is one group.
    parts = enumerate(pattern.split(segment.text))
    return [Segment(language if i % 2 else segment.language, part) for i, part in parts if part]


def _known_by_hanzi(segment: Segment) -> Segment:
    if segment.language != UNKNOWN_LANGUAGE or not re.search(f"[{_HANZI}]", segment.text):
        return segment
    return Segment("zh", _NOT_CHINESE.sub("", segment.text))


def _without_digits(segments: list[Segment]) -> Iterable[Segment]:
    """Digits in the language of the neighbour that they belong to."""
    left: Segment | None = None
    for index, segment in enumerate(segments):
        if segment.language == _DIGITS:
            right = segments[index + 1] if index + 1 < len(segments) else None
            segment = Segment(_language_of_digits(left, segment.text, right), segment.text)
        if left and left.language == segment.language:
            left = Segment(left.language, left.text + segment.text)
        else:
            left = segment
        yield segment


def _language_of_digits(left: Segment | None, digits: str, right: Segment | None) -> str:
    if left is None or right is None:
        neighbour = left or right
        return neighbour.language if neighbour else "zh"
    if left.language == right.language or right.text.startswith(_CLAUSE_MARKS):
        return left.language
    if left.text.endswith(_CLAUSE_MARKS):
        return right.language
    if digits.endswith(("。", ".")) or len(left.text) >= len(right.text):
        return left.language
    return right.language


def _without_unknown(segments: list[Segment]) -> Iterable[Segment]:
    language: str | None = None
    for index, segment in enumerate(segments):
        if segment.language == UNKNOWN_LANGUAGE:
            following = segments[index + 1].language if index + 1 < len(segments) else "zh"
            segment = Segment(language or following, segment.text)
        language = segment.language
        yield segment


def _merged(segments: Iterable[Segment]) -> list[Segment]:
    """Neighbours of one language as one."""
    merged: list[Segment] = []
    for segment in segments:
        if merged and merged[-1].language == segment.language:
            merged[-1] = Segment(segment.language, merged[-1].text + segment.text)
        else:
            merged.append(segment)
    return merged
