"""Chinese text as it is read: only hanzi and the marks ! ? … , . - remain.

cut into clauses ─> simplified, half-width ─> quantities in hanzi ─> signs and letters of
mathematics in hanzi ─> clauses joined ─> other characters out ─> runs of marks collapse
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
_UNREADABLE = re.compile(r"[^\u4e00-\u9fa5!?…,.\-]")
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
# 嗯 and 呣 have no syllable in the table; these two stand in for them.
_MARKS = str.maketrans(
    {"嗯": "恩", "呣": "母", "。": ".", "！": "!", "？": "?", "$": ".", "\n": ".", "—": "-"}
    | dict.fromkeys("：；，、·/", ",")
    | dict.fromkeys("~～", "…")
)


@dataclass(frozen=True)
class Normalised:
    """`dropped`: characters that the text lost, in order; spaces and brackets do not count."""

    text: str
    dropped: list[str]


def normalise(text: str, *, strict_compat: bool = True) -> Normalised:
    if not strict_compat:
        text = correct(text)
    text = _CLAUSE_END.sub("\\1\n", _REMOVED.sub("", text))
    clauses = [_clause(clause.strip()) for clause in re.split(r"\n+", text.strip())]
    marked = "".join(clauses).replace("...", "…").translate(_MARKS)
    dropped = [c for c in _UNREADABLE.findall(marked) if unicodedata.category(c)[0] in "LNS"]
    kept = _UNREADABLE.sub("", marked)
    return Normalised(re.sub(r"([!?…,.\-])[!?…,.\-]+", r"\1", kept), dropped)


def _clause(text: str) -> str:
    simplified = text.translate(_simplified()).translate(_FULL_WIDTH)
    return spell_out(simplified).translate(_SIGNS)


@cache
def _simplified() -> dict[int, str]:
    """Traditional to simplified, a character at a time."""
    table = json.loads((files("ray_pipeline.text.chinese") / "characters.json").read_text("utf-8"))
    return dict(zip(map(ord, table["traditional"]), table["simplified"], strict=True))
