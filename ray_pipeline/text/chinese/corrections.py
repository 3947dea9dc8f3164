"""What GPT-SoVITS reads wrongly in Chinese, rewritten so that the rules after it read it right.

docs/text.md lists the cases. Used with `strict_compat=False` only.
"""

from __future__ import annotations

import re
from re import Match

from ray_pipeline.text.chinese import numbers
from ray_pipeline.text.chinese.quantities import MEASURE, Rule
from ray_pipeline.text.stable import until_stable

_UNITS = {
    "km²": "平方千米",
    "m²": "平方米",
    "cm²": "平方厘米",
    "mm²": "平方毫米",
    "m³": "立方米",
    "cm³": "立方厘米",
    "km": "千米",
    "cm": "厘米",
    "mm": "毫米",
    "m": "米",
    "kg": "千克",
    "mg": "毫克",
    "g": "克",
    "ml": "毫升",
    "L": "升",
    "ms": "毫秒",
    "s": "秒",
    "min": "分钟",
    "h": "小时",
    "GB": "吉字节",
    "MB": "兆字节",
    "kW": "千瓦",
    "W": "瓦",
    "V": "伏",
    "Hz": "赫兹",
    "kHz": "千赫",
    "MHz": "兆赫",
    "GHz": "吉赫",
    "dB": "分贝",
    "db": "分贝",
}
_CURRENCIES = {"￥": "元", "¥": "元", "$": "美元", "€": "欧元", "£": "英镑"}
_SIGNS = {"±": "正负", "≈": "约等于", "≠": "不等于", "≤": "小于等于", "≥": "大于等于"}
# What stands before a number that is a name, not an amount.
_CODE_WORDS = ("编号", "号码", "代码", "密码", "型号", "学号", "电话", "邮编", "QQ", "ID")

_UNIT_NAMES = "|".join(sorted(_UNITS, key=len, reverse=True))
_AMOUNT = r"[0-9]+(?:\.[0-9]+)?"
_CLOCK = r"([0-1]?[0-9]|2[0-4])[:：]([0-5][0-9])(?:[:：]([0-5][0-9]))?"
_MARK = "。！？，；：、,.!?;:…"


def correct(text: str) -> str:
    return until_stable(_apply_rules, text)


def _apply_rules(text: str) -> str:
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


def _quantity(digits: str) -> str:
    """两 where one counts things: two, two thousand, twenty thousand times ten."""
    number = numbers.number(digits)
    return re.sub("^二(?=$|[千万亿])", "两", number)


def _telephone(match: Match[str]) -> str:
    return "，".join(numbers.telephone(part) for part in re.findall("[0-9]+", match[0]))


def _money(match: Match[str]) -> str:
    return _quantity(match[2]) + (match[3] or "") + _CURRENCIES[match[1]]


def _measure(match: Match[str]) -> str:
    per = f"每{_UNITS[match[3]]}" if match[3] else ""
    return _quantity(match[1]) + _UNITS[match[2]] + per


def _time(hour: str, minute: str, second: str | None) -> str:
    spoken = _quantity(str(int(hour))) + "点"
    if minute == "30" and not second:
        return spoken + "半"
    if minute != "00" or second:
        spoken += _two_digits(minute) + "分"
    return spoken + (_two_digits(second) + "秒" if second else "")


def _two_digits(digits: str) -> str:
    zero = "零" if digits.startswith("0") and digits != "00" else ""
    return zero + numbers.cardinal(digits)


def _amount(match: Match[str]) -> str:
    """A long number is an amount unless it begins with a zero or looks like a telephone's."""
    digits = match[0]
    is_code = digits.startswith("0") or (len(digits) > 6 and not digits.endswith("00"))
    return digits if is_code else numbers.cardinal(digits)


_NOT_A_CODE = "".join(f"(?<!{word})(?<!{word}是)" for word in _CODE_WORDS)

_RULES: list[Rule] = [
    (re.compile("——+"), "，"),
    (re.compile(rf"(?<=[{_MARK}])\s*\n\s*"), ""),
    (re.compile(r"(?<=\S)\s*\n\s*(?=\S)"), "。"),
    (re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])"), lambda m: m[0].replace(",", "")),
    (re.compile(rf"([￥¥$€£]) ?({_AMOUNT})([千万亿]+)?(?:元|美元|欧元|英镑)?"), _money),
    (
        re.compile(r"(?<![0-9])(?:0[0-9]{2,3}-[0-9]{7,8}|400-[0-9]{3}-[0-9]{4})(?![0-9])"),
        _telephone,
    ),
    (
        re.compile(rf"(?<![0-9]){_CLOCK}[~～-]{_CLOCK}(?![0-9])"),
        lambda m: f"{_time(m[1], m[2], m[3])}至{_time(m[4], m[5], m[6])}",
    ),
    (re.compile(rf"(?<![0-9]){_CLOCK}(?![0-9])"), lambda m: _time(m[1], m[2], m[3])),
    (re.compile(r"([0-9])[:：]([0-9])"), r"\1比\2"),
    (
        re.compile(rf"({_AMOUNT}) ?({_UNIT_NAMES})(?:/({_UNIT_NAMES}))?(?![A-Za-z0-9²³])"),
        _measure,
    ),
    (re.compile(rf"(?<![0-9.=+×÷-])({_AMOUNT})[-~～]({_AMOUNT})(?![0-9.=+×÷-])"), r"\1到\2"),
    (re.compile("(?<![0-9.])2(?=[月日号])"), "二"),
    (re.compile("[±≈≠≤≥]"), lambda m: _SIGNS[m[0]]),
    (re.compile(r"(?<![0-9])([0-9]{3}|[0-9]{5,})(?=年)"), lambda m: numbers.cardinal(m[1])),
    (re.compile(rf"(?<![0-9.])(2[0-9]{{3,}})(?=(?!年){MEASURE})"), lambda m: _quantity(m[1])),
    (re.compile(rf"(?<![0-9.\-/]){_NOT_A_CODE}[0-9]{{3,10}}(?![0-9.\-/年号]|{MEASURE})"), _amount),
]
