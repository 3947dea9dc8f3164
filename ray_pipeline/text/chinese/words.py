"""Words as they are spoken: jieba's, joined where tones depend on the neighbour.

A word carries its part of speech (jieba's tags). Words are joined in several passes, in the
order of GPT-SoVITS, which has them from PaddleSpeech (Apache-2.0; NOTICE); the passes differ in
what they ask of two neighbours.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from ray_pipeline.text.chinese.syllables import tones

_LONGEST_JOINED = 3


@dataclass(frozen=True)
class Word:
    text: str
    tag: str

    def __add__(self, other: Word) -> Word:
        return Word(self.text + other.text, self.tag)


@cache
def _tagger() -> Any:
    import jieba
    import jieba.posseg

    jieba.setLogLevel("WARNING")
    jieba.initialize()
    return jieba.posseg


@lru_cache(maxsize=50_000)
def split_word(text: str) -> tuple[str, str]:
    """A word in two, at the shortest word inside it that begins or ends it."""
    import jieba

    shortest = min(jieba.cut_for_search(text), key=len)
    if text.startswith(shortest):
        return shortest, text[len(shortest) :]
    return text[: -len(shortest)], shortest


def spoken_words(text: str) -> list[Word]:
    """The words of a clause, without marks in it."""
    words = [Word(pair.word, pair.flag) for pair in _tagger().cut(text)]
    words = _join_not(words)
    words = _join_one(words)
    words = _join(words, lambda before, word: before.text == word.text)
    words = _join_third_tones(words, _all_third)
    words = _join_third_tones(words, _meet_in_third)
    return _join(words, lambda _, word: word.text == "儿")


def _join(words: list[Word], together: Callable[[Word, Word], bool]) -> list[Word]:
    """Adds a word to what was built of those before it, where `together` says so."""
    joined: list[Word] = []
    for word in words:
        if joined and together(joined[-1], word):
            joined[-1] += word
        else:
            joined.append(word)
    return joined


def _join_not(words: list[Word]) -> list[Word]:
    """不 and the word after it, which gives the part of speech."""
    joined: list[Word] = []
    for word in words:
        if joined and joined[-1].text == "不":
            joined[-1] = Word("不" + word.text, word.tag)
        else:
            joined.append(word)
    return joined


def _join_one(words: list[Word]) -> list[Word]:
    """看 一 看 is one word; any other 一 belongs to the word after it."""
    joined: list[Word] = []
    for word in words:
        if _is_verb_one_verb(joined, word):
            one = joined.pop()
            joined[-1] = joined[-1] + one + word
        else:
            joined.append(word)
    return _join(joined, lambda before, _: before.text == "一")


def _is_verb_one_verb(before: list[Word], word: Word) -> bool:
    if len(before) < 2 or before[-1].text != "一":
        return False
    return before[-2].text == word.text and before[-2].tag == word.tag == "v"


def _join_third_tones(words: list[Word], meet: Callable[[str, str], bool]) -> list[Word]:
    """Two neighbours whose third tones `meet`, up to three characters; never three words."""
    joined: list[Word] = []
    last_was_joined = False
    for index, word in enumerate(words):
        before = words[index - 1] if index else None
        last_was_joined = (
            before is not None
            and not last_was_joined
            and meet(tones(before.text), tones(word.text))
            and not _is_doubled(before.text)
            and len(before.text) + len(word.text) <= _LONGEST_JOINED
        )
        if last_was_joined:
            joined[-1] += word
        else:
            joined.append(word)
    return joined


def _all_third(before: str, after: str) -> bool:
    return set(before) == set(after) == {"3"}


def _meet_in_third(before: str, after: str) -> bool:
    return before.endswith("3") and after.startswith("3")


def _is_doubled(text: str) -> bool:
    return len(text) == 2 and text[0] == text[1]
