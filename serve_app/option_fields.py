"""What may be set, as rows a form can be made of: the task's configuration and each step's
parameters, from the models that check them."""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import BaseModel

from ray_pipeline.core.options import OPTIONS, TaskConfig
from serve_app.field_words import words_of
from serve_app.option_schemas import OptionField, OptionsAnswer

_COPIED = {
    "minimum": "minimum",
    "maximum": "maximum",
    "exclusiveMinimum": "above",
    "exclusiveMaximum": "below",
    "maxLength": "max_length",
}


@cache
def option_fields() -> OptionsAnswer:
    return OptionsAnswer(
        task=_fields(TaskConfig),
        steps={step: _fields(model) for step, model in OPTIONS.items()},
    )


def _fields(model: type[BaseModel]) -> list[OptionField]:
    properties = model.model_json_schema(by_alias=False)["properties"]
    return [_field(model.__name__, name, row) for name, row in properties.items()]


def _field(schema: str, name: str, row: dict[str, Any]) -> OptionField:
    kinds = _kinds(row)
    facts: dict[str, Any] = {}
    for kind in kinds:
        if kind.get("type") in ("integer", "number", "string", "boolean"):
            facts["type"] = kind["type"]
        facts |= {ours: kind[theirs] for theirs, ours in _COPIED.items() if theirs in kind}
    choices = [each for kind in kinds for each in _choices(kind)]
    words = row.get("description") or words_of(schema, name) or ""
    nullable = any(kind.get("type") == "null" for kind in kinds)
    return OptionField(
        name=name, words=words, default=row.get("default"), optional=nullable, choices=choices,
        **facts,
    )  # fmt: skip


def _kinds(row: dict[str, Any]) -> list[dict[str, Any]]:
    """What the value may be; one that may be left out can hold others that are alternatives."""
    kinds = row.get("anyOf")
    return [row] if kinds is None else [each for kind in kinds for each in _kinds(kind)]


def _choices(kind: dict[str, Any]) -> list[str]:
    return [str(kind["const"])] if "const" in kind else [str(each) for each in kind.get("enum", [])]
