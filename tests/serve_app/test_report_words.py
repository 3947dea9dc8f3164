"""The page says the report in Chinese by code: no code may be without its sentence."""

import ast
import json
import re
from functools import cache
from pathlib import Path
from typing import get_args

import pytest

import ray_pipeline
from ray_pipeline.core.errors import SetAsideReason
from ray_pipeline.quality.report import FindingKind, NotMeasured
from ray_pipeline.quality.verdicts import MESSAGES
from serve_app.routes.pages import WEB

CHINESE = json.loads((WEB / "words" / "report.zh.json").read_text("utf-8"))
CODES = {
    "finding": get_args(FindingKind),
    "advice": get_args(FindingKind),
    "left_out": get_args(SetAsideReason),
    "not_measured": get_args(NotMeasured),
    "enough": ("enough", "little", "too little"),
}


def holes(sentence: str) -> set[str]:
    return set(re.findall(r"{(\w+)}", sentence))


@pytest.mark.parametrize("part", CODES)
def test_every_code_has_a_chinese_sentence_and_no_other_has(part: str) -> None:
    assert set(CHINESE[part]) == set(CODES[part])
    for sentence in CHINESE[part].values():
        assert re.search(r"[\u4e00-\u9fff]", sentence)
        assert sentence.endswith("。")


def test_chinese_findings_hold_the_numbers_of_the_english_ones() -> None:
    for kind, english in MESSAGES.items():
        assert holes(CHINESE["finding"][kind]) == holes(english), kind
        assert holes(CHINESE["advice"][kind]) == {"clips"}


def test_texts_of_a_recogniser_are_counted_in_chinese_too() -> None:
    assert holes(CHINESE["unread"]) == {"clips"}
    assert holes(CHINESE["often_wrong"]) == {"recogniser", "percent"}


@pytest.mark.parametrize("reason", get_args(SetAsideReason))
def test_every_reason_is_given_somewhere_with_what_its_sentence_needs(reason: str) -> None:
    given = facts_beside(reason)
    assert given is not None, "no code gives this reason"
    assert holes(CHINESE["left_out"][reason]) <= given


def facts_beside(reason: str) -> set[str] | None:
    """The names of keywords and keys in the functions that name the reason."""
    found = [names for constants, names in functions() if reason in constants]
    return set().union(*found) if found else None


@cache
def functions() -> list[tuple[set[object], set[str]]]:
    """Of every function of the pipeline, and every table in a module: its constants, and the names
    of its keywords and keys."""
    parts = []
    for path in Path(ray_pipeline.__file__).parent.rglob("*.py"):
        if path.name == "errors.py":  # where the reasons are declared
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AnnAssign):
                inside = list(ast.walk(node))
                constants = {part.value for part in inside if isinstance(part, ast.Constant)}
                names = {part.arg for part in inside if isinstance(part, ast.keyword) and part.arg}
                parts.append((constants, names | {c for c in constants if isinstance(c, str)}))
    return parts
