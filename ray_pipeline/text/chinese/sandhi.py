"""How tones change in speech, a word at a time: 不, 一, neutral tone, third tones.

The rules and word lists are PaddleSpeech's (Apache-2.0), which GPT-SoVITS uses; 5 is neutral.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from ray_pipeline.text.chinese.syllables import Syllable
from ray_pipeline.text.chinese.words import Word, split_word

_FINAL_PARTICLES = "吧呢哈啊呐噻嘛吖嗨呐哦哒额滴哩哟喽啰耶喔诶"
_COUNTED = "几有两半多各整每做是"


@dataclass(frozen=True)
class ToneWords:
    """Words whose last syllable is neutral, and words that look so and are not; erhua too."""

    neutral: frozenset[str]
    not_neutral: frozenset[str]
    erhua: frozenset[str]
    not_erhua: frozenset[str]


@cache
def tone_words() -> ToneWords:
    source = files("ray_pipeline.text.chinese") / "tone_words.json"
    lists = json.loads(source.read_text("utf-8"))
    return ToneWords(**{name: frozenset(words) for name, words in lists.items()})


def change_tones(word: Word, syllables: Sequence[Syllable]) -> list[Syllable]:
    """The syllables of `word` with the tones that they have in speech."""
    tones = [syllable.tone for syllable in syllables]
    _after_not(word.text, tones)
    _after_one(word.text, tones)
    _neutral(word, tones)
    _third(word.text, tones)
    return [syllable.with_tone(tone) for syllable, tone in zip(syllables, tones, strict=True)]


def _after_not(text: str, tones: list[str]) -> None:
    if len(text) == 3 and text[1] == "不":
        tones[1] = "5"
        return
    for index, char in enumerate(text[:-1]):
        if char == "不" and tones[index + 1] == "4":
            tones[index] = "2"


def _after_one(text: str, tones: list[str]) -> None:
    if "一" not in text or all(char.isnumeric() for char in text):
        return
    if len(text) == 3 and text[1] == "一" and text[0] == text[2]:
        tones[1] = "5"
    elif text.startswith("第一"):
        tones[1] = "1"
    else:
        for index, char in enumerate(text[:-1]):
            if char == "一":
                tones[index] = "2" if tones[index + 1] == "4" else "4"


def _neutral(word: Word, tones: list[str]) -> None:
    if word.text not in tone_words().not_neutral and word.tag[:1] in ("n", "v", "a"):
        for index in range(1, len(word.text)):
            if word.text[index] == word.text[index - 1]:
                tones[index] = "5"
    counter = word.text.find("个")
    if _ends_in_neutral(word):
        tones[-1] = "5"
    elif word.text == "个" or (counter > 0 and _counts(word.text[counter - 1])):
        tones[counter] = "5"
    elif _is_neutral(word.text):
        tones[-1] = "5"
    _neutral_by_parts(word.text, tones)


def _ends_in_neutral(word: Word) -> bool:
    text, tag, last = word.text, word.tag, word.text[-1]
    if last in _FINAL_PARTICLES or last in "的地得":
        return True
    if len(text) == 1:
        return last in "了着过" and tag in ("ul", "uz", "ug")
    return (
        (last in "们子" and tag in ("r", "n") and text not in tone_words().not_neutral)
        or (last in "上下里" and tag in ("s", "l", "f"))
        or (last in "来去" and text[-2] in "上下进出回过起开")
    )


def _counts(char: str) -> bool:
    return char.isnumeric() or char in _COUNTED


def _neutral_by_parts(text: str, tones: list[str]) -> None:
    first, second = split_word(text)
    if _is_neutral(first):
        tones[len(first) - 1] = "5"
    if second and _is_neutral(second):
        tones[-1] = "5"


def _is_neutral(text: str) -> bool:
    return text in tone_words().neutral or text[-2:] in tone_words().neutral


def _third(text: str, tones: list[str]) -> None:
    if len(text) == 2:
        _pair(tones, 0)
    elif len(text) == 3:
        _triple(len(split_word(text)[0]), tones)
    elif len(text) == 4:
        _pair(tones, 0)
        _pair(tones, 2)


def _pair(tones: list[str], start: int) -> None:
    if tones[start : start + 2] == ["3", "3"]:
        tones[start] = "2"


def _triple(first_length: int, tones: list[str]) -> None:
    """`first_length`: how many of the three characters the first half has; 3 if it has all."""
    if tones == ["3", "3", "3"]:
        if first_length == 2:
            tones[0] = tones[1] = "2"
        elif first_length == 1:
            tones[1] = "2"
        return
    if first_length == 2:
        _pair(tones, 0)
    elif first_length == 1:
        if tones[1:] == ["3", "3"]:
            tones[1] = "2"
        elif tones[:2] == ["3", "3"]:
            tones[0] = "2"
