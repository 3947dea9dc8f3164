"""Errors in Chinese on the page: each sentence and hint that a user of it can meet has its form,
and each form is of a sentence that the code says."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import serve_app
from ray_pipeline.core import errors
from ray_pipeline.core.errors import PipelineError, Unavailable
from serve_app.routes.pages import WEB
from tests.serve_app.test_web_said import HOLE, ROWS, fits, form_of
from tests.serve_app.test_web_said import trees as of_the_pipeline

REFUSALS: dict[str, str] = json.loads((WEB / "words" / "refused.zh.json").read_text("utf-8"))
KINDS = {
    name
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, PipelineError)
}
# Said to whoever starts the service or calls it from a program; the page asks for nothing of it.
NOT_ON_THE_PAGE = re.compile(
    r"serve_app/(cli|daemon|settings|places|forms|idempotency|json_bodies|dependencies|sent_voices)"
    r"|serve_app/speech/(api_v2|directed|live|openai|limits|speaker)|serve_app/routes/(detection|models)"
    r"|ray_pipeline/(store/(engine|kept_answers|lease|queries|voice_queries)|coordinator/service)"
    r"|ray_pipeline/weights/(conversion|archive|files|kinds)|ray_pipeline/models/|ray_pipeline/audio/detect"
    r"|ray_pipeline/hub/(file_check|pulling)|ray_pipeline/text/(chinese|symbols|mixed|own_words)"
    r"|ray_pipeline/speaking/engine"
)
# The page leaves out what tells programs which request to send.
FOR_PROGRAMS = re.compile(
    r"\b(GET|POST|PUT|PATCH|DELETE) (/|…|it |the )|\b(form )?field (named|name\b|[`\"])|multipart"
    r"|`from`|\bcanary_"
)
LEAST_LETTERS = 8


@cache
def trees() -> dict[str, ast.Module]:
    found = {f"ray_pipeline/{name}": tree for name, tree in of_the_pipeline().items()}
    root = Path(next(iter(serve_app.__path__)))
    for path in sorted(root.rglob("*.py")):
        name = f"serve_app/{path.relative_to(root).as_posix()}"
        found[name] = ast.parse(path.read_text("utf-8"))
    return found


def constants(tree: ast.Module) -> dict[str, str]:
    """Sentences that a module has a name for."""
    rows = [node for node in tree.body if isinstance(node, ast.Assign)]
    return {getattr(row.targets[0], "id", ""): form_of(row.value) for row in rows}


def refusals() -> Iterator[tuple[str, str]]:
    for name, tree in trees().items():
        if NOT_ON_THE_PAGE.match(name):
            continue
        named = constants(tree)
        for node in ast.walk(tree):
            kind = getattr(getattr(node, "func", None), "id", "")
            if not isinstance(node, ast.Call) or kind not in KINDS:
                continue
            parts = [*node.args[:1], *(each.value for each in node.keywords if each.arg == "hint")]
            if kind == Unavailable.__name__ and "hub/" not in name:
                parts = []  # the page has one sentence for all of them
            for part in parts:
                said = form_of(part) or named.get(getattr(part, "id", ""), "")
                if len(max(said.split("{}"), key=len)) >= LEAST_LETTERS:
                    yield name, said


def test_every_refusal_has_its_form() -> None:
    forms = [HOLE.sub("{}", key) for key in (*ROWS, *REFUSALS)]
    lacking = [
        f"{name}: {said}"
        for name, said in refusals()
        if not FOR_PROGRAMS.search(said) and not any(fits(form, said) for form in forms)
    ]
    assert not lacking, "\n".join(lacking) + "\nadd them to serve_app/web/words/refused.zh.json"


def test_every_form_of_a_refusal_is_of_a_sentence_that_the_code_says() -> None:
    said = {form_of(node) for tree in trees().values() for node in ast.walk(tree)}
    said = {sentence for sentence in said if " " in sentence.strip()}
    for key in REFUSALS:
        plain = HOLE.sub("{}", key)
        assert any(fits(plain, sentence) for sentence in said), f"nobody says: {key}"


def test_a_refusal_and_its_words_are_about_the_same_things() -> None:
    for key, own in REFUSALS.items():
        holes = HOLE.findall(key)
        assert len(set(holes)) == len(holes), key
        assert set(HOLE.findall(own)) <= set(holes), key


def teardown_module() -> None:
    trees.cache_clear()  # half a million objects, in the way of every later collection of garbage
