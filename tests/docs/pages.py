"""The pages of this repository, and what stands in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
_FOLDERS = (
    "docs",
    "samples",
    "tests",
    "cluster",
    "tools",
    "ray_pipeline",
    "benchmarks",
    "examples",
)

_LINK = re.compile(r"!?\[[^\]]*\]\(([^()\s]+)\)|<img src=\"([^\"]+)\"")
_CODE = re.compile(r"`([^`]+)`")
_HEADING = re.compile(r"#+ (.+)")


def pages() -> list[Path]:
    """Every Markdown file, relative to the root."""
    found = [
        *ROOT.glob("*.md"),
        *(page for name in _FOLDERS for page in (ROOT / name).rglob("*.md")),
    ]
    return sorted(page.relative_to(ROOT) for page in found)


def text_of(page: Path | str) -> str:
    return (ROOT / page).read_text("utf-8")


def prose(text: str) -> Iterator[tuple[int, str]]:
    """Lines with their numbers, without fenced code."""
    fenced = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif not fenced:
            yield number, line


def links(text: str) -> list[str]:
    """The targets of links that lead to no other site."""
    whole = "\n".join(_CODE.sub("", line) for _, line in prose(text))
    targets = [first or second for first, second in _LINK.findall(whole)]
    return [target for target in targets if not re.match(r"[a-z]+:", target)]


def code_in(text: str) -> list[str]:
    """What stands between back ticks."""
    return [code for _, line in prose(text) for code in _CODE.findall(line)]


def anchors(text: str) -> set[str]:
    """The names under which GitHub lets the headings of a page be linked."""
    headings = [match[1] for _, line in prose(text) if (match := _HEADING.match(line))]
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def table_rows(text: str) -> list[list[str]]:
    """The cells of every row of every table."""
    rows = [line for _, line in prose(text) if line.startswith("|")]
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows]
