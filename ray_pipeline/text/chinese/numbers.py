"""Numbers in hanzi. All take digits as text, however many."""

from __future__ import annotations

_DIGITS = "零一二三四五六七八九"
# Power of ten and its name, the largest first.
_POWERS = ((8, "亿"), (4, "万"), (3, "千"), (2, "百"), (1, "十"))


def each_digit(digits: str) -> str:
    """`2024` is 二零二四. Other characters stay."""
    return "".join(_DIGITS[int(char)] if char in "0123456789" else char for char in digits)


def telephone(digits: str) -> str:
    """Digit by digit, with 幺 for one."""
    return each_digit(digits).replace("一", "幺")


def cardinal(digits: str) -> str:
    """`1250` is 一千二百五十; a leading 一十 is 十."""
    spoken = _cardinal(digits.lstrip("0")) or "零"
    return spoken.removeprefix("一") if spoken.startswith("一十") else spoken


def number(digits: str) -> str:
    """With a decimal point or without: `3.20` is 三点二零, `.5` is 零点五."""
    whole, _, fraction = digits.partition(".")
    spoken = cardinal(whole) if whole else "零"
    return f"{spoken}点{each_digit(fraction)}" if fraction else spoken


def _cardinal(digits: str) -> str:
    """ "" for zero; begins with 零 when `digits` begins with a zero and has one more digit."""
    significant = digits.lstrip("0")
    if len(significant) <= 1:
        zero = "零" if significant and len(significant) < len(digits) else ""
        return zero + each_digit(significant)
    power, name = next(pair for pair in _POWERS if pair[0] < len(significant))
    return _cardinal(digits[:-power]) + name + _cardinal(digits[-power:])
