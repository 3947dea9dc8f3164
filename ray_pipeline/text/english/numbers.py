"""Numbers in words, by inflect. All take digits as text, however many."""

from __future__ import annotations

from functools import cache
from typing import Any

_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_LONGEST_NUMBER = 36  # inflect has no names above


@cache
def _inflect() -> Any:
    import inflect

    return inflect.engine()


def each_digit(digits: str) -> str:
    """`907` is nine zero seven."""
    return " ".join(_DIGITS[int(digit)] for digit in digits)


def cardinal(digits: str, *, andword: str = "") -> str:
    """`1250` is one thousand, two hundred fifty; beyond all names, digit by digit."""
    if len(digits) > _LONGEST_NUMBER:
        return each_digit(digits)
    words: str = _inflect().number_to_words(int(digits), andword=andword)
    return words


def ordinal(digits: str) -> str:
    """`23` is twenty-third, `101` is one hundred and first."""
    words: str = _inflect().ordinal(cardinal(digits, andword="and"))
    return words


def year_or_cardinal(digits: str) -> str:
    """Between 1001 and 2999 a bare number is most often a year: nineteen ninety-eight."""
    number = int(digits) if len(digits) <= _LONGEST_NUMBER else 0
    if not 1000 < number < 3000 or number == 2000:
        return cardinal(digits)
    if 2000 < number < 2010:
        return f"two thousand {_DIGITS[number % 100]}"
    if number % 100 == 0:
        return f"{cardinal(str(number // 100))} hundred"
    words: str = _inflect().number_to_words(number, andword="", zero="oh", group=2)
    return words.replace(", ", " ")


def decimal(whole: str, fraction: str) -> str:
    """`3`, `14` is three point one four."""
    return f"{year_or_cardinal(whole)} point {each_digit(fraction)}"


def fraction(above: str, below: str) -> str:
    """`3`, `4` is three fourths; one half, two halves; over one is the number itself."""
    count, plural = cardinal(above, andword="and"), above.lstrip("0") not in ("", "1")
    if below == "1":
        return count
    if below == "2":
        return f"{count} {'halves' if plural else 'half'}"
    return f"{count} {ordinal(below)}{'s' if plural else ''}"
