"""What GPT-SoVITS reads wrongly in Japanese, rewritten so that OpenJTalk reads it right.

docs/text.md lists the cases. Used with `strict_compat=False` only.
"""

from __future__ import annotations

import re
import unicodedata

_DIGITS = ("ゼロ", "イチ", "ニ", "サン", "ヨン", "ゴ", "ロク", "ナナ", "ハチ", "キュウ")
_CURRENCIES = {"￥": "円", "¥": "円", "$": "ドル", "€": "ユーロ", "£": "ポンド"}


def correct(text: str) -> str:
    """Half-width digits, letters and %; numbers whole; brackets gone, decoration too."""
    text = "".join(_half_width(char) for char in text)
    text = re.sub(r"[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])", lambda m: m[0].replace(",", ""), text)
    text = re.sub(r"(?<![0-9])[0-9]{2,4}(?:-[0-9]{3,4}){1,2}(?![0-9])", _telephone, text)
    text = re.sub(r"([￥¥$€£]) ?([0-9.]+)", lambda m: m[2] + _CURRENCIES[m[1]], text)
    text = re.sub(r"(?<![0-9])[-−](?=[0-9])", "マイナス", text)
    text = re.sub(r"([0-9]+)/([0-9]+)", r"\2分の\1", text)
    text = re.sub(r"([0-9]+)\.([0-9]+)", _decimal, text)
    text = re.sub("(?<=[0-9ウンニゴクナチロイ]) ?(?:℃|°C)", "度", text)
    text = text.replace("%", "パーセント").replace("&", "アンド").replace("+", "プラス")
    text = re.sub(r"[〜～]+", "ー", text)
    text = re.sub(r"[「」『』（）()【】\[\]{}〈〉《》\"“”_]", "", text)
    return "".join(char for char in text if unicodedata.category(char) not in ("So", "Cs"))


def _half_width(char: str) -> str:
    return unicodedata.normalize("NFKC", char) if "０" <= char <= "ｚ" or char == "％" else char


def _telephone(match: re.Match[str]) -> str:
    groups = match[0].split("-")
    return "、".join(_each_digit(group) for group in groups)


def _decimal(match: re.Match[str]) -> str:
    return match[1] + "テン" + _each_digit(match[2])


def _each_digit(digits: str) -> str:
    return "".join(_DIGITS[int(digit)] for digit in digits)
