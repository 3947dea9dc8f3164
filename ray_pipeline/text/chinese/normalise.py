"""Chinese text as it is read: only hanzi and the marks ! ? … , . - remain.

cut into clauses ─> simplified, half-width ─> quantities in hanzi ─> signs and letters of
mathematics in hanzi ─> clauses joined ─> other characters out ─> runs of marks collapse

How Greek letters and circled numbers are read comes from PaddleSpeech (Apache-2.0); NOTICE.
"""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from string import ascii_letters, digits

from ray_pipeline.text.chinese.corrections import correct
from ray_pipeline.text.chinese.quantities import spell_out

_REMOVED = re.compile(r"[—《》【】<>{}()（）#&@“”^_|\\ ]")
_CLAUSE_END = re.compile(r"([：、，；。？！,;?!][”’]?)")
UNREADABLE = re.compile(r"[^\u4e00-\u9fa5!?…,.\-]")
_FULL_WIDTH = {ord(char) + 0xFEE0: char for char in ascii_letters + digits} | {0x3000: " "}
_SIGNS = str.maketrans(
    dict(zip("①②③④⑤⑥⑦⑧⑨⑩", "一二三四五六七八九十", strict=True))
    | {"/": "每", "+": "加", "-": "减", "×": "乘", "÷": "除", "=": "等"}
    | dict.fromkeys("α", "阿尔法")
    | dict.fromkeys("β", "贝塔")
    | dict.fromkeys("γΓ", "伽玛")
    | dict.fromkeys("δΔ", "德尔塔")
    | dict.fromkeys("ε", "艾普西龙")
    | dict.fromkeys("ζ", "捷塔")
    | dict.fromkeys("η", "依塔")
    | dict.fromkeys("θΘ", "西塔")
    | dict.fromkeys("ι", "艾欧塔")
    | dict.fromkeys("κ", "喀帕")
    | dict.fromkeys("λΛ", "拉姆达")
    | dict.fromkeys("μ", "缪")
    | dict.fromkeys("ν", "拗")
    | dict.fromkeys("ξΞ", "克西")
    | dict.fromkeys("ο", "欧米克伦")
    | dict.fromkeys("πΠ", "派")
    | dict.fromkeys("ρ", "肉")
    | dict.fromkeys("ςΣσ", "西格玛")
    | dict.fromkeys("τ", "套")
    | dict.fromkeys("υ", "宇普西龙")
    | dict.fromkeys("φΦ", "服艾")
    | dict.fromkeys("χ", "器")
    | dict.fromkeys("ψΨ", "普赛")
    | dict.fromkeys("ωΩ", "欧米伽")
)
MARKS = str.maketrans(
    {"。": ".", "！": "!", "？": "?", "$": ".", "\n": ".", "—": "-"}
    | dict.fromkeys("：；，、·/", ",")
    | dict.fromkeys("~～", "…")
)
# These two have no syllable in the table.
_STAND_INS = str.maketrans("嗯呣", "恩母")


@dataclass(frozen=True)
class Normalised:
    """`dropped`: characters that the text lost, in order; spaces and brackets do not count."""

    text: str
    dropped: list[str]


def normalise(text: str, *, strict_compat: bool = True) -> Normalised:
    marked = in_words(text if strict_compat else correct(text)).translate(_STAND_INS)
    result = keep_readable(marked.translate(MARKS))
    return Normalised(re.sub(r"([!?…,.\-])[!?…,.\-]+", r"\1", result.text), result.dropped)


def in_words(text: str, *, simplify: bool = True) -> str:
    """Quantities, signs and Greek letters in hanzi; marks as they were."""
    text = _CLAUSE_END.sub("\\1\n", _REMOVED.sub("", text))
    clauses = [_clause(clause.strip(), simplify) for clause in re.split(r"\n+", text.strip())]
    return "".join(clauses).replace("...", "…")


def keep_readable(text: str, unreadable: re.Pattern[str] = UNREADABLE) -> Normalised:
    dropped = [c for c in unreadable.findall(text) if unicodedata.category(c)[0] in "LNS"]
    return Normalised(unreadable.sub("", text), dropped)


def _clause(text: str, simplify: bool) -> str:
    hanzi = text.translate(_simplified()) if simplify else text
    return spell_out(hanzi.translate(_FULL_WIDTH)).translate(_SIGNS)


@cache
def _simplified() -> dict[int, str]:
    """Traditional to simplified, a character at a time."""
    table = json.loads((files("ray_pipeline.text.chinese") / "characters.json").read_text("utf-8"))
    return dict(zip(map(ord, table["traditional"]), table["simplified"], strict=True))
