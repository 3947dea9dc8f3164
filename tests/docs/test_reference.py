"""The reference pages name what there is: commands, options, routes, fields, files of others."""

from __future__ import annotations

import json
import re
from typing import Any

import typer
from fastapi import FastAPI

from ray_pipeline.core.options import TaskConfig, TestInferenceOptions
from serve_app.cli import app as gsv
from serve_app.client import AsyncClient, Client
from tests.docs.pages import ROOT, code_in, pages, table_rows, text_of

_DATA_FOLDERS = ("ray_pipeline", "samples", "tests/data")
_OURS = {".py", ".md", ".pyi", ".typed", ".pyc"}


def test_the_page_on_the_command_line_has_every_command_with_options_that_exist() -> None:
    commands = _commands(typer.main.get_command(gsv))
    named: set[str] = set()
    for row in table_rows(text_of("docs/cli.md")):
        for code in re.findall(r"`gsv ([^`]+)`", row[0]):
            (command,) = [name for name in commands if f"{code} ".startswith(f"{name} ")]
            named.add(command)
            for option in re.findall(r"(?<![\w-])--?[a-z][a-z-]*", code):
                assert option in commands[command], f"gsv {code}"
    assert named == set(commands)


def test_every_gsv_command_in_a_page_exists() -> None:
    commands = _commands(typer.main.get_command(gsv))
    first_words = {name.split()[0] for name in commands}
    for page in pages():
        for code in [*code_in(text_of(page)), *text_of(page).splitlines()]:
            for word in re.findall(r"^(?:\.venv/bin/)?gsv ([a-z]+)", code):
                assert word in first_words, f"{page}: gsv {word}"


def test_the_page_on_the_api_has_every_route_and_no_other(documented_app: FastAPI) -> None:
    there = {
        (method.upper(), _in_short(path))
        for path, methods in documented_app.openapi()["paths"].items()
        for method in methods
    }
    named = set()
    for row in table_rows(text_of("docs/api.md")):
        if re.fullmatch(r"[A-Z]+(, [A-Z]+)*", row[0]):
            for path in re.findall(r"`([^`]+)`", row[1]):
                full = path.replace("…/", "/api/v1/task/{}/")
                named |= {(method, _in_short(full)) for method in row[0].split(", ")}
    assert named == there


def test_the_page_on_the_api_has_every_field_of_a_task_with_its_default() -> None:
    text = text_of("docs/api.md")
    rows = [row for row in table_rows(text) if row[0].startswith("`")]
    written = {
        field: default
        for row in rows
        for field, default in zip(_codes(row[0]), row[1].split(", "), strict=False)
    }
    fields = TaskConfig.model_fields
    assert set(fields) <= set(written)
    for name, field in fields.items():
        default = json.dumps(field.default).strip('"')
        assert default == written[name].strip('`"'), name


def test_the_methods_of_the_client_that_the_page_names_exist() -> None:
    text = text_of("docs/api.md")
    listed = text[text.index("`AsyncClient` has the same methods") :].split("\n\n")[0]
    named = [code for code in _codes(listed) if code != "AsyncClient"]
    assert {"create", "wait", "download"} <= set(named)
    for kind in (Client, AsyncClient):
        assert [name for name in named if not callable(getattr(kind, name, None))] == []


def test_options_of_speaking_that_pages_name_exist() -> None:
    rows = table_rows(text_of("docs/your_voice.md"))
    (start,) = [i for i, row in enumerate(rows) if row[0] == "option"]
    named = {code for row in rows[start + 2 :] for code in _codes(row[0])}
    assert {"target_text", "ref_audio", "speed"} <= named
    assert named <= set(TestInferenceOptions.model_fields)


def test_the_notice_names_every_file_of_data() -> None:
    notice = text_of("NOTICE")
    for folder in _DATA_FOLDERS:
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and path.suffix not in _OURS and "__pycache__" not in path.parts:
                name = path.relative_to(ROOT)
                by_kind = f"{name.parent}/*{path.suffix}"
                ours = path.name in ("metadata.jsonl", "transcripts.list")
                named = (path.name, by_kind, f"  {name.parent}\n")
                assert ours or any(one in notice for one in named), name


def _commands(group: Any, prefix: str = "") -> dict[str, set[str]]:
    """The options of each command, by its whole name."""
    found: dict[str, set[str]] = {}
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            found |= _commands(command, f"{prefix}{name} ")
        else:
            options = [(*one.opts, *one.secondary_opts) for one in command.params]
            found[f"{prefix}{name}"] = {option for group in options for option in group}
    return found


def _in_short(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path)


def _codes(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)
