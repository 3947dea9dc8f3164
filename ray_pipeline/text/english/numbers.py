"""Numbers in words. All take digits as text, however many."""

from __future__ import annotations

_SMALL_NAMES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
)
_TENS_NAMES = "- - twenty thirty forty fifty sixty seventy eighty ninety"
_POWER_NAMES = (
    "- thousand million billion trillion quadrillion quintillion sextillion septillion octillion "
    "nonillion decillion"
)
_SMALL, _TENS, _POWERS = _SMALL_NAMES.split(), _TENS_NAMES.split(), _POWER_NAMES.split()
_LONGEST_NUMBER = 3 * len(_POWERS)
_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}


def each_digit(digits: str) -> str:
    """`907` is nine zero seven."""
    return " ".join(_SMALL[int(digit)] for digit in digits)


def cardinal(digits: str, *, andword: str = "") -> str:
    """`1250` is one thousand, two hundred fifty; with `andword`, two hundred and fifty. Beyond
    all names, digit by digit."""
    if len(digits) > _LONGEST_NUMBER:
        return each_digit(digits)
    number = int(digits)
    groups: list[str] = []
    for power, name in enumerate(_POWERS):
        group = number // 1000**power % 1000
        if group:
            groups.insert(0, _below_1000(group, andword) + (f" {name}" if power else ""))
    if number > 1000 and 0 < number % 1000 < 100:  # one thousand (and) one, without a comma
        groups[-2:] = [_joined(groups[-2], andword, groups[-1])]
    return ", ".join(groups) or _SMALL[0]


def _below_1000(number: int, andword: str) -> str:
    hundreds, rest = divmod(number, 100)
    return _joined(
        f"{_SMALL[hundreds]} hundred" if hundreds else "",
        andword if hundreds and rest else "",
        _below_100(rest) if rest else "",
    )


def _below_100(number: int) -> str:
    if number < len(_SMALL):
        return _SMALL[number]
    tens, ones = divmod(number, 10)
    return f"{_TENS[tens]}-{_SMALL[ones]}" if ones else _TENS[tens]


def _joined(*words: str) -> str:
    return " ".join(filter(None, words))


def ordinal(digits: str) -> str:
    """`23` is twenty-third, `101` is one hundred and first."""
    words = cardinal(digits, andword="and")
    start = max(words.rfind(" "), words.rfind("-")) + 1
    last = words[start:]
    regular = f"{last.removesuffix('y')}ieth" if last.endswith("y") else f"{last}th"
    return words[:start] + _ORDINALS.get(last, regular)


def year_or_cardinal(digits: str) -> str:
    """Between 1001 and 2999 a bare number is most often a year: nineteen ninety-eight."""
    number = int(digits) if len(digits) <= _LONGEST_NUMBER else 0
    if not 1000 < number < 3000 or number == 2000:
        return cardinal(digits)
    if 2000 < number < 2010:
        return f"two thousand {_SMALL[number % 10]}"
    century, year = divmod(number, 100)
    if year == 0:
        return f"{_below_100(century)} hundred"
    return f"{_below_100(century)} {'oh ' if year < 10 else ''}{_below_100(year)}"


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
