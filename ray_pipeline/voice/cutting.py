"""Cutting a long text into pieces that are spoken one at a time, as the original does.

`cut` applies one of the original's six methods. `pieces` prepares the text, cuts it and
merges, closes and splits the pieces: its result is what the model is given. Both are checked
against the original's answers; arguable ones (a full stop lost by cut3, short lines joined
without a mark) are kept, an empty result is an empty list instead of an exception.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise

from ray_pipeline.core.speech import CutMethod
from ray_pipeline.voice.inner_marks import hidden, shown

SENTENCE_MARKS = frozenset("，。？！,.?!~:：—…")
_CLAUSE_MARKS = frozenset(",.;?!、，。？！：…")
_SILENT = frozenset("!?…,.- ")

_CLAUSES_PER_GROUP = 4
_LONG_GROUP = 50
_MIN_PIECE = 5
_MIN_OPENING = 4
_MAX_PIECE = 510


def cut(text: str, method: CutMethod) -> list[str]:
    """The pieces of a text; those without anything to say are left out."""
    if method == "cut0":
        return _worth_saying([text])
    return _METHODS[method](text.strip("\n"))


def pieces(
    text: str, language: str, method: CutMethod = "cut5", *, strict_compat: bool = False
) -> list[str]:
    """What the model is to say, piece by piece; an empty list if there is nothing to say.

    Every piece ends in a mark and has at most 510 characters. With `strict_compat` it is cut
    also at marks inside numbers, addresses and abbreviations, as the original does.
    """
    if not strict_compat:
        parts = _pieces(hidden(text), language, method, behind_stop=" " if language == "en" else "")
        return [shown(part).lstrip() for part in parts]
    return _pieces(text, language, method, behind_stop="")


def _pieces(text: str, language: str, method: CutMethod, *, behind_stop: str) -> list[str]:
    """`behind_stop` follows the full stop that is put before a short opening: without a blank,
    before an English number it would be a decimal point."""
    stop = "." if language == "en" else "。"
    text = text.strip("\n")
    if not text:
        return []
    if _has_short_opening(text):
        text = stop + behind_stop + text
    lines = [line for piece in cut(text, method) for line in piece.split("\n") if line.strip()]
    spoken = [piece for piece in _merge_short(lines) if re.search(r"\w", piece)]
    return [part for piece in spoken for part in _split_long(closed(piece, stop))]


def squeeze_marks(text: str) -> str:
    """A run of marks becomes its first one: `?!...` is `?`."""
    return re.sub(r"([!?…,.\-])[!?…,.\-]+", r"\1", text)


def closed(text: str, stop: str) -> str:
    """The text with a mark at its end."""
    return text if text and text[-1] in SENTENCE_MARKS else text + stop


# -- the methods


def _in_fours(text: str) -> list[str]:
    clauses = _clauses(text)
    if len(clauses) <= _CLAUSES_PER_GROUP:
        return _worth_saying([text])
    starts = list(range(0, len(clauses), _CLAUSES_PER_GROUP))
    # The last group belongs to the one before it.
    bounds = [*starts[:-1], len(clauses)] if len(starts) > 1 else [0, len(clauses)]
    return _worth_saying(["".join(clauses[start:end]) for start, end in pairwise(bounds)])


def _in_fifties(text: str) -> list[str]:
    clauses = _clauses(text)
    if len(clauses) < 2:
        return [text]
    groups = [""]
    for clause in clauses:
        if len(groups[-1]) > _LONG_GROUP:
            groups.append("")
        groups[-1] += clause
    if len(groups) > 1 and len(groups[-1]) < _LONG_GROUP:
        groups[-2:] = [groups[-2] + groups[-1]]
    return _worth_saying(groups)


def _at_chinese_stops(text: str) -> list[str]:
    return _worth_saying(text.strip("。").split("。"))


def _at_english_stops(text: str) -> list[str]:
    return _worth_saying(re.split(r"(?<!\d)\.(?!\d)", text.strip(".")))


def _at_every_mark(text: str) -> list[str]:
    clauses = [""]
    for place, character in enumerate(text):
        clauses[-1] += character
        if character in _CLAUSE_MARKS and not _is_decimal_point(text, place):
            clauses.append("")
    return [clause for clause in clauses if not set(clause) <= _CLAUSE_MARKS]


_METHODS: dict[CutMethod, Callable[[str], list[str]]] = {
    "cut1": _in_fours,
    "cut2": _in_fifties,
    "cut3": _at_chinese_stops,
    "cut4": _at_english_stops,
    "cut5": _at_every_mark,
}


# -- their parts


def _clauses(text: str) -> list[str]:
    text = closed(text.replace("……", "。").replace("——", "，"), "。")
    marks = "".join(map(re.escape, sorted(SENTENCE_MARKS)))
    return re.findall(f"[^{marks}]*[{marks}]", text)


def _is_decimal_point(text: str, place: int) -> bool:
    inside = 0 < place < len(text) - 1
    return text[place] == "." and inside and text[place - 1].isdigit() and text[place + 1].isdigit()


def _worth_saying(parts: list[str]) -> list[str]:
    return [piece for piece in parts if not set(piece) <= _SILENT]


def _has_short_opening(text: str) -> bool:
    """Whether the first clause is so short that the model would swallow it."""
    opening = re.split(f"[{''.join(map(re.escape, sorted(SENTENCE_MARKS)))}]", text, maxsplit=1)[0]
    return text[0] not in SENTENCE_MARKS and len(opening) < _MIN_OPENING


def _merge_short(lines: list[str]) -> list[str]:
    merged: list[str] = []
    waiting = ""
    for line in lines:
        waiting += line
        if len(waiting) >= _MIN_PIECE:
            merged.append(waiting)
            waiting = ""
    if waiting and merged:
        merged[-1] += waiting
    elif waiting:
        merged.append(waiting)
    return merged


def _split_long(piece: str) -> list[str]:
    if len(piece) <= _MAX_PIECE:
        return [piece]
    parts = [""]
    for clause in _clauses(piece):
        if len(parts[-1]) + len(clause) > _MAX_PIECE:
            parts.append("")
        parts[-1] += clause
    return [part for part in parts if part]
