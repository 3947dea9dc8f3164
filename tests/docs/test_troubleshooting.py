"""The sentences of the page on troubleshooting are those that a user sees."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.docs.pages import ROOT, table_rows, text_of

_LEAST = 4  # characters of a fragment that says something


def test_every_sentence_is_one_that_the_code_says() -> None:
    said = sentences_of_the_code()
    quoted = sentences_of_the_page()
    assert len(quoted) > 50
    for sentence in quoted:
        fragments = [part.strip() for part in re.split("…", sentence)]
        telling = [part for part in fragments if len(part) >= _LEAST]
        assert any(all(part in text for part in telling) for text in said), sentence


def sentences_of_the_page() -> list[str]:
    rows = table_rows(text_of("docs/troubleshooting.md"))
    return [sentence for row in rows for sentence in re.findall(r"`([^`]+)`", row[0])]


def sentences_of_the_code() -> list[str]:
    """Every text in the code; where a value is put in, stands a `…`."""
    texts = [(ROOT / "Makefile").read_text("utf-8")]
    files = [path for name in ("ray_pipeline", "serve_app") for path in (ROOT / name).rglob("*.py")]
    return texts + [text for path in files for text in _texts(path)]


def _texts(path: Path) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.JoinedStr):
            found.append("".join(_literal(part) for part in node.values))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.append(node.value)
    return found


def _literal(part: ast.expr) -> str:
    return str(part.value) if isinstance(part, ast.Constant) else "…"
