"""Numbers with something beside them: times, units, money, fractions, ordinals.

`spell_out` is one pass of rules in a fixed order, each a pattern and what it becomes; a rule
may leave digits for a later one. The order is that of GPT-SoVITS.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from re import Match

from ray_pipeline.text.english import numbers

Rule = tuple[re.Pattern[str], str | Callable[[Match[str]], str]]

_UNITS = {
    "km": ("kilometer", "kilometers"),
    "m": ("meter", "meters"),
    "ft": ("feet", "feet"),
    "L": ("liter", "liters"),
    "tbsp": ("tablespoon", "tablespoons"),
    "tsp": ("teaspoon", "teaspoons"),
    "s": ("second", "seconds"),
    "min": ("minute", "minutes"),
    "h": ("hour", "hours"),
    "°C": ("degree celsius", "degrees celsius"),
    "°F": ("degree fahrenheit", "degrees fahrenheit"),
}


def spell_out(text: str) -> str:
    """`text` without digits and the signs that go with them."""
    return apply(_RULES, text)


def apply(rules: list[Rule], text: str) -> str:
    for pattern, replacement in rules:
        text = pattern.sub(replacement, text)
    return text


def time_of_day(match: Match[str]) -> str:
    """Groups: hour (0-23), minute."""
    hour, minute = int(match[1]), int(match[2])
    spoken_hour = numbers.cardinal(str(hour - 12 if hour > 12 else hour))
    spoken_minute = numbers.cardinal(str(minute)) if minute else "o'clock"
    return f"{spoken_hour} {spoken_minute} {'a.m.' if hour < 12 else 'p.m.'}"


def _measure(match: Match[str]) -> str:
    one, many = _UNITS[match[2]]
    return f"{match[1]} {one if match[1] == '1' else many}"


def _dollars(match: Match[str]) -> str:
    return amount(match[1] or match[2], ("dollar", "dollars"), ("cent", "cents"))


def _pounds(match: Match[str]) -> str:
    return amount(match[1] or match[2], ("pound", "pounds"), ("penny", "pence"))


def amount(digits: str, unit: tuple[str, str], part: tuple[str, str]) -> str:
    """`7.5` of dollars and cents is 7 dollars and 50 cents; what is zero is left out."""
    if digits.count(".") > 1:
        return f"{digits} {unit[1]}"
    whole, _, parts = digits.partition(".")
    whole, parts = whole.lstrip("0"), parts.ljust(2, "0").lstrip("0")
    said = []
    if whole:
        said.append(f"{whole} {unit[0] if whole == '1' else unit[1]}")
    if parts:
        said.append(f"{parts} {part[0] if parts == '1' else part[1]}")
    return " and ".join(said) or f"0 {unit[1]}"


_SIGNS = {"+": "plus", "-": "minus", "=": "Equals", "×": "times", "÷": "divided by"}

_RULES: list[Rule] = [
    (re.compile(r"(?:^|\s)-(?=[0-9])"), "negative "),
    (re.compile(r"[0-9][0-9,]+[0-9]"), lambda m: m[0].replace(",", "")),
    (re.compile(r"\b([0-9]+)\. "), lambda m: numbers.ordinal(m[1]) + ", "),
    (re.compile(r"\b([01]?[0-9]|2[0-3]):([0-5][0-9])\b"), time_of_day),
    (re.compile(r"\b([0-9]+(?:\.[0-9]+)?)(km|m|ft|L|tbsp|tsp|s|min|h|°C|°F)\b"), _measure),
    (re.compile(r"£([0-9.]*[0-9])|([0-9.]*[0-9])£"), _pounds),
    (re.compile(r"\$([0-9.]*[0-9])|([0-9.]*[0-9])\$"), _dollars),
    (re.compile(r"([0-9]+)/([0-9]+)"), lambda m: numbers.fraction(m[1], m[2])),
    (re.compile(r"([0-9]+)\.([0-9]+)"), lambda m: numbers.decimal(m[1], m[2])),
    (re.compile(r"([0-9]+)(?:st|nd|rd|th)\b"), lambda m: numbers.ordinal(m[1])),
    (re.compile(r"[0-9]+"), lambda m: numbers.year_or_cardinal(m[0])),
    (
        re.compile(r"(?<=[A-Za-z0-9])\s+([-+=×÷])\s+(?=[A-Za-z0-9])"),
        lambda m: f" {_SIGNS[m[1]]} ",
    ),
    (re.compile(r"%"), " percent"),
]
