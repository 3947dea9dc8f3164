"""What the page knows of the sentences of steps: each form is one that the code says, and each
sentence that becomes a warning has its form."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import ray_pipeline
from serve_app.routes.pages import WEB

ROWS: dict[str, str] = json.loads((WEB / "words" / "said.zh.json").read_text("utf-8"))
HOLE = re.compile(r"{!?(\w+)}")
LEAST_FIXED = 8  # letters in a row, so that what fits anything counts for nothing


def form_of(node: ast.AST) -> str:
    """A string of the code with {} for what is put in; empty: no string."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(p.value) if isinstance(p, ast.Constant) else "{}" for p in node.values)
    return ""


@cache
def trees() -> dict[str, ast.Module]:
    root = Path(next(iter(ray_pipeline.__path__)))
    return {
        path.relative_to(root).as_posix(): ast.parse(path.read_text("utf-8"))
        for path in sorted(root.rglob("*.py"))
    }


def is_list_of_warnings(node: ast.AST | None) -> bool:
    name = getattr(node, "attr", getattr(node, "id", ""))
    return name in ("warnings", "remarks")


def warnings_of(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        found: list[ast.AST] = []
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr == "append" and is_list_of_warnings(node.func.value):
                found = list(node.args)
        elif isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(map(is_list_of_warnings, targets)) and isinstance(node.value, ast.List):
                found = list(node.value.elts)
            elif any(map(is_list_of_warnings, targets)) and isinstance(node.value, ast.ListComp):
                found = [node.value.elt]
        yield from filter(None, map(form_of, found))


@cache
def form(sentence: str) -> tuple[str, re.Pattern[str]]:
    """The longest piece of a sentence of the code, and what any sentence like it matches."""
    pieces = sentence.split("{}")
    is_any = max(map(len, pieces)) < LEAST_FIXED  # what fits all says nothing
    pattern = re.escape(sentence) if is_any else ".*?".join(map(re.escape, pieces))
    return max(pieces, key=len), re.compile(pattern, re.DOTALL)


def fits(key: str, sentence: str) -> bool:
    """Whether a sentence of the code, whose {} may be anything, can be of this form."""
    piece, pattern = form(sentence)
    return piece in key and pattern.fullmatch(key) is not None


def test_every_form_is_of_a_sentence_that_the_code_says() -> None:
    said = {form_of(node) for tree in trees().values() for node in ast.walk(tree)}
    said = {sentence for sentence in said if " " in sentence.strip()}
    for key in ROWS:
        plain = HOLE.sub("{}", key)
        assert any(fits(plain, sentence) for sentence in said), f"nobody says: {key}"


def test_a_form_and_its_words_are_about_the_same_things() -> None:
    for key, own in ROWS.items():
        holes = [*HOLE.findall(key)]
        assert len(set(holes)) == len(holes), key
        assert set(HOLE.findall(own)) <= set(holes), key


def test_every_warning_has_its_form() -> None:
    forms = [HOLE.sub("{}", key) for key in ROWS]
    lacking = [
        f"{name}: {sentence}"
        for name, tree in trees().items()
        for sentence in warnings_of(tree)
        if not any(fits(plain, sentence) for plain in forms)
    ]
    assert not lacking, "\n".join(lacking) + "\nadd them to serve_app/web/words/said.zh.json"


def teardown_module() -> None:
    trees.cache_clear()  # half a million objects, in the way of every later collection of garbage
