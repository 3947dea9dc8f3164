"""Text to jamo: Latin letters by name, pronunciation rules, syllables taken apart.

Every jamo is one phone; compound vowels are written as two. A space is 空,
a character without a symbol is 停.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import chain

from ray_pipeline.text.english.lexicon import Lexicon
from ray_pipeline.text.korean.corrections import LETTERS, UNSAID, correct
from ray_pipeline.text.korean.rules import load_rules
from ray_pipeline.text.own_words import Pronunciations, split_at
from ray_pipeline.text.phones import Polyphones, SpokenText
from ray_pipeline.text.symbols import symbol_table

_SPACE, _UNREADABLE = "空", "停"
_LETTER_NAMES = {ord(c): name for a, name in LETTERS.items() for c in (a, a.upper())}
_HANGUL = "[\u1100-\u11ff\u3131-\u318e\uac00-\ud7a3]"
# Jamo as parts of a syllable, and the same as characters of their own.
_COMPATIBILITY_JAMO = (
    dict(enumerate("ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ", 0x1100))
    | dict(enumerate("ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ", 0x1161))
    | dict(enumerate("ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ", 0x11A8))
)
# A compound vowel and what it is written as. Final clusters are gone when the rules are done.
_COMPOUNDS = (
    "ㅑㅣㅏ ㅕㅣㅓ ㅛㅣㅗ ㅠㅣㅜ ㅒㅣㅐ ㅖㅣㅔ ㅘㅗㅏ ㅙㅗㅐ ㅚㅗㅣ ㅝㅜㅓ ㅞㅜㅔ ㅟㅜㅣ ㅢㅡㅣ"
)
_PARTS = {ord(compound[0]): compound[1:] for compound in _COMPOUNDS.split()}
_MARKS = str.maketrans(
    dict.fromkeys("：；，、·", ",") | dict.fromkeys("。\n", ".") | {"！": "!", "？": "?"}
)


class KoreanFrontEnd:
    def __init__(self) -> None:
        words = Lexicon.load().words
        self._english_words = words
        self._rules = load_rules(words)

    def __call__(
        self,
        text: str,
        *,
        pronunciations: Pronunciations,
        strict_compat: bool,
        polyphones: Polyphones | None = None,
    ) -> SpokenText:
        norm_text = text if strict_compat else correct(text, self._english_words)
        pieces = split_at(norm_text, pronunciations)
        read = [
            list(pronunciations[piece.lower()])
            if piece.lower() in pronunciations
            else self._read(piece, spell=strict_compat)
            for piece in pieces
        ]
        phones = list(chain.from_iterable(read))
        if pieces and pieces[-1].lower() not in pronunciations:
            phones = _closed(phones)
        dropped = _unreadable(text if strict_compat else UNSAID.sub("", text))
        return SpokenText(norm_text, phones, dropped=dropped)

    def _read(self, text: str, *, spell: bool) -> list[str]:
        spoken = self._rules(text.translate(_LETTER_NAMES) if spell else text)
        return phones_of(spoken.translate(_LETTER_NAMES))


def phones_of(spoken: str) -> list[str]:
    """Spoken syllables as jamo and marks, a phone each."""
    jamo = "".join(_decompose(char) for char in spoken).translate(_PARTS)
    # g2pk2 makes ㄹㄹ of 을 l..., which is 을 n... in speech.
    jamo = re.sub("([ㅇㄹ]ㅡㄹ )ㄹ", r"\1ㄴ", jamo)
    return [_phone(char) for char in jamo.translate(_MARKS)]


def _decompose(char: str) -> str:
    parts = unicodedata.normalize("NFD", char) if "가" <= char <= "힣" else char
    return parts.translate(_COMPATIBILITY_JAMO)


def _phone(char: str) -> str:
    if char == " ":
        return _SPACE
    return char if char in symbol_table("v2") else _UNREADABLE


def _closed(phones: list[str]) -> list[str]:
    """A sentence that ends in a jamo gets a full stop."""
    return [*phones, "."] if phones and "ㄱ" <= phones[-1] <= "ㅣ" else phones


def _unreadable(text: str) -> list[str]:
    """What became 停 and is more than punctuation."""
    return [
        char
        for char in text
        if unicodedata.category(char)[0] in "LNS"
        and not (char.isascii() and char.isalnum())
        and not re.match(_HANGUL, char)
    ]
