"""split-lang, with its language detector replaceable.

split-lang cuts a text into stretches of one language: by script, then by word (budoux), then by
what the detector says of each word. It asks for fastText's large model, a download of 125 MB.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Any

from ray_pipeline.text.mixed.detector import Detector, small_detector

UNKNOWN_LANGUAGE = "x"

_LANGUAGES = {
    **{"zh": "zh", "yue": "zh", "wuu": "zh", "zh-cn": "zh"},
    **{"zh-tw": UNKNOWN_LANGUAGE, "ko": "ko", "ja": "ja", "en": "en"},
}
_detector: ContextVar[Detector] = ContextVar("detector", default=small_detector)


@dataclass(frozen=True)
class Stretch:
    """`language`: zh, ja, ko, en, `digit`, `punctuation`, `newline` or `x` (unknown)."""

    language: str
    text: str


def stretches(text: str, detector: Detector) -> list[Stretch]:
    if not text.strip():
        return []
    token = _detector.set(detector)
    try:
        items = _splitter().split_by_lang(text)
    finally:
        _detector.reset(token)
    return [Stretch(item.lang, item.text) for item in items]


@cache
def _splitter() -> Any:
    from split_lang.split import splitter

    # It asks through these two functions of its module.
    splitter.detect_lang_combined = _best
    splitter.possible_detection_list = _possible

    class Splitter(splitter.LangSplitter):
        def __init__(self) -> None:
            # Its own constructor configures logging for the whole process.
            self.lang_map = _LANGUAGES
            self.default_lang = UNKNOWN_LANGUAGE
            self.punctuation = splitter.PUNCTUATION
            self.not_merge_punctuation = ""
            self.merge_across_punctuation = True
            self.merge_across_digit = False
            self.merge_across_newline = True
            self.debug = False

    return Splitter()


def _best(text: str, lang_section_type: Any) -> str:
    from split_lang.model import LangSectionType
    from split_lang.split.utils import contains_ja_kana

    if lang_section_type is LangSectionType.ZH_JA and contains_ja_kana(text):
        return "ja"
    return _detector.get()(text)[0].lower()


def _possible(text: str) -> list[str]:
    return list(_detector.get()(text.replace("\n", "").strip()))
