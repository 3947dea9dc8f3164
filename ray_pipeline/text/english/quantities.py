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
    "ft": ("foot", "feet"),
    "L": ("liter", "liters"),
    "tbsp": ("tablespoon", "tablespoons"),
    "tsp": ("teaspoon", "teaspoons"),
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
    # The original takes what follows the point for whole cents, so $7.5 has five.
    whole, _, cents = (match[1] or match[2]).partition(".")
    return amount(whole, cents, ("dollar", "dollars"), ("cent", "cents"))


def amount(whole: str, parts: str, unit: tuple[str, str], part: tuple[str, str]) -> str:
    """`7`, `50` of dollars and cents is 7 dollars and 50 cents; what is zero is left out."""
    whole, parts = whole.lstrip("0"), parts.lstrip("0")
    said = []
    if whole:
        said.append(f"{whole} {unit[0] if whole == '1' else unit[1]}")
    if parts:
        said.append(f"{parts} {part[0] if parts == '1' else part[1]}")
    return " and ".join(said) or f"0 {unit[1]}"


_RULES: list[Rule] = [
    (re.compile(r"\b([0-9]+)\. "), lambda m: numbers.ordinal(m[1]) + ", "),
    (re.compile(r"\s*(?<![0-9A-Za-z])-(?=[0-9])"), "negative "),
    (re.compile(r"[0-9][0-9,]+[0-9]"), lambda m: m[0].replace(",", "")),
    (re.compile(r"\b([01]?[0-9]|2[0-3]):([0-5][0-9])\b"), time_of_day),
    (re.compile(r"\b([0-9]+(?:\.[0-9]+)?)(km|m|ft|L|tbsp|tsp|°C|°F)\b"), _measure),
    (re.compile(r"£([0-9.]*[0-9])|([0-9.]*[0-9])£"), lambda m: f"{m[1] or m[2]} pounds"),
    (re.compile(r"\$([0-9.]*[0-9])|([0-9.]*[0-9])\$"), _dollars),
    (re.compile(r"([0-9]+)/([0-9]+)"), lambda m: numbers.fraction(m[1], m[2])),
    (re.compile(r"([0-9]+)\.([0-9]+)"), lambda m: numbers.decimal(m[1], m[2])),
    (re.compile(r"([0-9]+)(?:st|nd|rd|th)\b"), lambda m: numbers.ordinal(m[1])),
    (re.compile(r"[0-9]+"), lambda m: numbers.year_or_cardinal(m[0])),
    (re.compile(r"\s*\+\s*"), " plus "),
    (re.compile(r"\s+-\s+"), " minus "),
    (re.compile(r"\s*=\s*"), " Equals "),
    (re.compile(r"\s*×\s*"), " times "),
    (re.compile(r"\s*÷\s*"), " divided by "),
    (re.compile(r"%"), " percent"),
]
