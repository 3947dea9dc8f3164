"""Pages lead nowhere dead, name nothing that is not there, and can be read in a terminal."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, anchors, code_in, links, pages, prose, text_of

PAGES = pages()
_WIDEST = 120
# What a page may name although a checkout does not hold it: made by commands that it describes.
_MADE = ("tests/conformance/text/??.jsonl",)
_PATH = re.compile(
    r"(?:ray_pipeline|serve_app|tests|benchmarks|examples|docs|cluster|samples|tools|LICENSES)"
    r"/[\w./\-{}*?]*"
)
_MODULE = re.compile(r"\b(?:ray_pipeline|serve_app|benchmarks|examples|tests)(?:\.\w+)+")


def test_there_are_pages() -> None:
    assert {Path("README.md"), Path("docs/api.md"), Path("samples/README.md")} <= set(PAGES)


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in links(text_of(page)):
        file, _, anchor = target.partition("#")
        path = (ROOT / page).parent / file if file else ROOT / page
        assert path.exists(), f"{page}: {target}"
        if anchor:
            assert anchor in anchors(path.read_text("utf-8")), f"{page}: {target}"


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_file_that_is_named_exists(page: Path) -> None:
    for code in code_in(text_of(page)):
        for name in _PATH.findall(code):
            if "{" not in name and name not in _MADE:
                assert _exists(name), f"{page}: {name}"


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_module_that_is_named_exists(page: Path) -> None:
    for name in _MODULE.findall(text_of(page)):
        assert _is_module(name), f"{page}: {name}"


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_no_line_outside_tables_and_code_is_long(page: Path) -> None:
    long = [
        number
        for number, line in prose(text_of(page))
        if len(line) > _WIDEST and not line.startswith("|")
    ]
    assert not long, f"{page}: lines {long}"


def test_every_page_that_code_refers_to_exists() -> None:
    named = {
        (path, name)
        for folder in ("ray_pipeline", "serve_app", "benchmarks", "examples", "tests")
        for path in (ROOT / folder).rglob("*.py")
        for name in re.findall(r"docs/[\w/\-]+\.md", path.read_text("utf-8"))
    }
    assert named
    for path, name in sorted(named):
        assert (ROOT / name).is_file(), f"{path.relative_to(ROOT)}: {name}"


def test_every_page_of_docs_stands_in_the_contents_of_its_folder() -> None:
    for page in PAGES:
        if page.parts[0] == "docs" and page.name != "README.md":
            assert page.name in links(text_of(page.parent / "README.md")), page


def test_both_readmes_lead_to_the_same_pages() -> None:
    english, chinese = (set(links(text_of(name))) for name in ("README.md", "README.zh-CN.md"))
    assert english - {"README.zh-CN.md"} == chinese - {"README.md"}


def _exists(name: str) -> bool:
    name = name.rstrip("/.")
    return any(ROOT.glob(name)) if any(mark in name for mark in "*?") else (ROOT / name).exists()


def _is_module(name: str) -> bool:
    """A module, or something in one."""
    path = ROOT / Path(*name.split("."))
    if path.with_suffix(".py").is_file() or (path / "__init__.py").is_file():
        return True
    owner = path.parent.with_suffix(".py")
    owner = owner if owner.is_file() else path.parent / "__init__.py"
    return owner.is_file() and re.search(rf"\b{path.name}\b", owner.read_text("utf-8")) is not None
