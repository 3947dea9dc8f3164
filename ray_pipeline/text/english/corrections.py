"""What GPT-SoVITS reads wrongly in English, rewritten so that the rules after it read it right.

docs/text.md lists the cases. Used with `strict_compat=False` only.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from re import Match

from ray_pipeline.text.english import numbers
from ray_pipeline.text.english.quantities import Rule, amount, apply

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_UNITS = {
    "km": "kilometers",
    "m": "meters",
    "cm": "centimeters",
    "mm": "millimeters",
    "mi": "miles",
    "ft": "feet",
    "kg": "kilograms",
    "g": "grams",
    "mg": "milligrams",
    "lb": "pounds",
    "lbs": "pounds",
    "ml": "milliliters",
    "L": "liters",
    "l": "liters",
    "GB": "gigabytes",
    "MB": "megabytes",
    "kB": "kilobytes",
    "TB": "terabytes",
    "Hz": "hertz",
    "kHz": "kilohertz",
    "MHz": "megahertz",
    "GHz": "gigahertz",
    "kW": "kilowatts",
    "W": "watts",
    "V": "volts",
    "ms": "milliseconds",
    "min": "minutes",
    "h": "hours",
    "s": "seconds",
}
_PER = {"h": "hour", "s": "second", "min": "minute", "m": "meter", "kg": "kilogram", "L": "liter"}
_SIGNS = {"+": " plus ", "=": " equals ", "×": " times ", "÷": " divided by "}
_TITLES = {
    "Dr": "Doctor",
    "Mr": "Mister",
    "Mrs": "Missus",
    "Ms": "Miz",
    "Prof": "Professor",
    "St": "Saint",
}
_PUNCTUATION = str.maketrans(
    {"’": "'", "‘": "'", "：": ", ", "；": ", ", "，": ", ", "、": ", ", "。": ". "}
    | {
        "℃": "°C",
        "℉": "°F",
        "！": "! ",
        "？": "? ",
        "…": ". ",
        "—": ", ",
        "–": "-",
        "−": "-",
        "～": "-",
    }
)
_UNIT_NAMES = "|".join(sorted(_UNITS, key=len, reverse=True))


def correct(text: str, readable: Collection[str]) -> str:
    """`readable` are the words of the dictionary: initials among them are said as words."""
    text = apply(_RULES, text.translate(_PUNCTUATION).strip())
    return re.sub(r"\b[A-Z]{4,}\b", lambda m: _acronym(m[0], readable), text)


def _acronym(word: str, readable: Collection[str]) -> str:
    return word.capitalize() if word.lower() in readable else word


def _clock(match: Match[str]) -> str:
    """Groups: hour (0-24), minute, the half of the day if it is written."""
    hour, minute, half = int(match[1]), int(match[2]), (match[3] or "").lower().replace(".", "")
    if hour == 24:
        return "midnight" if not minute else f"twenty-four {numbers.cardinal(match[2])}"
    spoken_half = {"am": "a.m.", "pm": "p.m."}.get(half, "a.m." if hour < 12 else "p.m.")
    spoken_hour = numbers.cardinal(str((hour - 1) % 12 + 1))
    oh = "oh " if 0 < minute < 10 else ""
    spoken_minute = oh + numbers.cardinal(match[2]) if minute else "o'clock"
    return f"{spoken_hour} {spoken_minute} {spoken_half}"


def _date(month: str, day: str, year: str, written: str) -> str:
    if not (1 <= int(month) <= 12 and 1 <= int(day) <= 31):
        return written
    return f"{_MONTHS[int(month) - 1]} {numbers.ordinal(day)}, {numbers.year_or_cardinal(year)}"


def _vulgar_fraction(match: Match[str]) -> str:
    return " " + unicodedata.normalize("NFKC", match[0]).replace("\u2044", "/")


def _decade(match: Match[str]) -> str:
    words = numbers.year_or_cardinal(match[1])
    return words.removesuffix("y") + "ies" if words.endswith("y") else words + "s"


def _version(match: Match[str]) -> str:
    return " point ".join(numbers.cardinal(part) for part in match[0].split("."))


def _address(match: Match[str]) -> str:
    return " dot ".join(match[0].split("."))


def _telephone(match: Match[str]) -> str:
    return ", ".join(numbers.each_digit(part) for part in re.findall("[0-9]+", match[0]))


def _measure(match: Match[str]) -> str:
    unit = _UNITS[match[2]]
    if match[1] == "1":
        unit = "foot" if unit == "feet" else unit if unit == "hertz" else unit.removesuffix("s")
    per = f" per {_PER[match[3]]}" if match[3] else ""
    return f"{match[1]} {unit}{per}"


def _money(match: Match[str]) -> str:
    sign, whole, rest, scale = match[1], match[2].replace(",", ""), match[3] or "", match[4]
    unit, part = {
        "$": (("dollar", "dollars"), ("cent", "cents")),
        "£": (("pound", "pounds"), ("penny", "pence")),
        "€": (("euro", "euros"), ("cent", "cents")),
        "¥": (("yen", "yen"), ("sen", "sen")),
    }[sign]
    if scale:
        point = f".{rest}" if rest else ""
        return f"{whole}{point} {scale.strip()} {unit[1]}"
    return amount(f"{whole}.{rest[:2]}", unit, part)


_RULES: list[Rule] = [
    (re.compile(r"^([0-9]{1,2})\. (?=\S)", re.MULTILINE), lambda m: numbers.ordinal(m[1]) + ", "),
    (re.compile(r"(?<=[.!?,])\s*\n\s*"), " "),
    (re.compile(r"\s*\n\s*"), ". "),
    (re.compile(r"[\u00bc-\u00be\u2150-\u215e]"), _vulgar_fraction),
    (re.compile(r"(?<![\w.])(?:[A-Za-z0-9-]+\.)+[a-z]{2,6}(?![\w.]*\w)"), _address),
    (re.compile(r"\b(Dr|Mr|Mrs|Ms|Prof|St)\. (?=[A-Z])"), lambda m: _TITLES[m[1]] + " "),
    (re.compile(r"(?<![\w.])(?:[A-Za-z0-9-]+\.)+[a-z]{2,6}(?![\w.]*\w)"), _address),
    (re.compile(r"\b(Dr|Mr|Mrs|Ms|Prof)\.(?=\s|$)"), lambda m: _TITLES[m[1]]),
    (re.compile(r"\bSt\.(?=\s+[a-z])"), "Street"),
    (
        re.compile(r"\b([01]?[0-9]|2[0-4]):([0-5][0-9])(?:\s?([AaPp]\.?[Mm]\b\.?))?(?![:0-9])"),
        _clock,
    ),
    (re.compile(r"\b([0-9]+):([0-9]+)\b"), r"\1 to \2"),
    (re.compile(r"[;:]"), ","),
    (
        re.compile(r"\b([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})\b"),
        lambda m: _date(m[1], m[2], m[3], m[0]),
    ),
    (
        re.compile(r"\b([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})\b"),
        lambda m: _date(m[2], m[3], m[1], m[0]),
    ),
    (
        re.compile(r"(?:\+?[0-9]{1,3}[- ])?(?:\([0-9]{3}\) ?|\b[0-9]{3}-)?\b[0-9]{3}-[0-9]{4}\b"),
        _telephone,
    ),
    (re.compile(r"(?<![0-9.])[0-9]+(?:\.[0-9]+){2,}\b"), lambda m: " " + _version(m)),
    (re.compile(r"(?:\b(?=[0-9]{4})|')([0-9]{1,3}0)s\b"), _decade),
    (re.compile(r"(?<![0-9])\.(?=[0-9])"), "0."),
    (
        re.compile(
            r"([$£€¥])([0-9][0-9,]*)(?:\.([0-9]+))?( (?:hundred|thousand|million|billion))?"
        ),
        _money,
    ),
    (re.compile(rf"\b([0-9]+(?:\.[0-9]+)?) ?({_UNIT_NAMES})(?:/(h|s|min|m|kg|L))?\b"), _measure),
    (re.compile(r"(?<![0-9A-Za-z])-(?=[0-9])"), "negative "),
    (re.compile(r"\b([0-9]+)\. "), lambda m: numbers.year_or_cardinal(m[1]) + ". "),
    (re.compile(r"(?<=[0-9])-(?=[0-9])"), " to "),
    (re.compile(r"(?<![0-9])\s+-+\s+(?![0-9])"), ", "),
    (re.compile(r"(?<=[0-9A-Za-z]) ?([+=×÷]) ?(?=[0-9A-Za-z])"), lambda m: _SIGNS[m[1]]),
    (re.compile(r"&"), " and "),
    (re.compile(r"@"), " at "),
    (re.compile(r"#(?=[0-9])"), "number "),
    (re.compile(r"°(?![CF])"), " degrees "),
    (re.compile(r" {2,}"), " "),
]
