"""What GPT-SoVITS reads wrongly in Korean, rewritten so that the rules after it read it right.

docs/text.md lists the cases. Used with `strict_compat=False` only.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container
from re import Match

from ray_pipeline.text.stable import until_stable

LETTERS = dict(
    zip(
        "abcdefghijklmnopqrstuvwxyz",
        (
            *("에이", "비", "시", "디", "이", "에프", "지", "에이치", "아이", "제이", "케이", "엘"),
            *("엠", "엔", "오", "피", "큐", "아르", "에스", "티", "유", "브이", "더블유", "엑스"),
            *("와이", "제트"),
        ),
        strict=True,
    )
)
_DIGITS = "영일이삼사오육칠팔구"
_UNITS = {
    "km": "킬로미터",
    "cm": "센티미터",
    "mm": "밀리미터",
    "m": "미터",
    "kg": "킬로그램",
    "mg": "밀리그램",
    "g": "그램",
    "ml": "밀리리터",
    "L": "리터",
    "GB": "기가바이트",
    "MB": "메가바이트",
    "Hz": "헤르츠",
    "kW": "킬로와트",
    "%": "퍼센트",
    "℃": "도",
    "°C": "도",
}
_UNIT_NAMES = "|".join(sorted(map(re.escape, _UNITS), key=len, reverse=True))
_CURRENCIES = {"₩": "원", "$": "달러", "€": "유로", "£": "파운드", "￥": "엔", "¥": "엔"}
_OPERATORS = {"+": " 더하기 ", "×": " 곱하기 ", "÷": " 나누기 ", "=": " 은 "}

# Signs that `correct` reads or rightly leaves out.
UNSAID = re.compile("[₩$€£￥¥℃°+×÷=~<>！-～]")


def correct(text: str, english_words: Container[str]) -> str:
    """`english_words`: those that have a pronunciation; others are spelled."""
    return until_stable(lambda rest: _correct_once(rest, english_words), text)


def _correct_once(text: str, english_words: Container[str]) -> str:
    text = "".join(_half_width(char) for char in text)
    text = re.sub(r"(?<![0-9])0[0-9]{1,2}-[0-9]{3,4}-[0-9]{4}(?![0-9])", _telephone, text)
    text = re.sub(r"([₩$€£￥¥]) ?([0-9][0-9,.]*)", lambda m: m[2] + _CURRENCIES[m[1]], text)
    text = re.sub(r"(?<![0-9A-Za-z])[-−](?=[0-9])", "마이너스 ", text)
    text = re.sub(r"([0-9]+)/([0-9]+)", r"\2분의 \1", text)
    text = re.sub(r"(?<=[0-9])[~-](?=[0-9])", "에서 ", text)
    text = re.sub(r"(?<=[0-9])\.([0-9]+)", lambda m: "점" + _each_digit(m[1]), text)
    text = re.sub(
        rf"(?<=[0-9점{_DIGITS}]) ?({_UNIT_NAMES})(?![A-Za-z])", lambda m: _UNITS[m[1]], text
    )
    text = re.sub(r" ?([+×÷=]) ?", lambda m: _OPERATORS[m[1]], text)
    text = re.sub(r"[\"'“”‘’「」『』()（）\[\]{}<>《》~_]", "", text)
    text = re.sub("[A-Za-z]+", lambda m: _latin(m[0], english_words), text)
    text = re.sub("[\u3400-\u9fff]", "", text)
    return re.sub(" {2,}", " ", "".join(c for c in text if unicodedata.category(c) != "So"))


def _half_width(char: str) -> str:
    return unicodedata.normalize("NFKC", char) if "！" <= char <= "～" else char


def _latin(word: str, english_words: Container[str]) -> str:
    """A word stays for the rules that write English in Hangul; initials are spelled."""
    if len(word) > 1 and not word.isupper() and word.lower() in english_words:
        return word
    return "".join(LETTERS[letter] for letter in word.lower())


def _telephone(match: Match[str]) -> str:
    return _each_digit(match[0]).replace("영", "공").replace("-", " ")


def _each_digit(digits: str) -> str:
    return "".join(_DIGITS[int(char)] if char.isdigit() else char for char in digits)
