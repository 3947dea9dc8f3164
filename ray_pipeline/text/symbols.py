"""The two symbol tables of GPT-SoVITS (MIT; NOTICE); a symbol's id is its place in the list.

The order is part of the checkpoint format: row `id` of a model's text embedding belongs to
that symbol. `v1` (322) is the beginning of `v2` (732); only base model v1 uses the former.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from ray_pipeline.core.errors import InvalidInput

PAD = "_"
UNKNOWN = "UNK"
MARKS = "!?…,.-"
# Phones that nobody hears as speech: marks and pauses, Japanese pitch, Korean's space, and what
# stands for a character that cannot be read.
SOUNDLESS = frozenset((*MARKS, PAD, UNKNOWN, "SP", "SP2", "SP3", "[", "]", "空", "停"))
VERSIONS = ("v1", "v2")


@cache
def symbol_table(version: str) -> Mapping[str, int]:
    """Symbol to id, in the order of ids. Raises InvalidInput for a version without a table."""
    if version not in VERSIONS:
        raise InvalidInput(
            f"There is no symbol table {version!r}.",
            hint=f"Use one of: {', '.join(VERSIONS)}.",
            field="symbols",
        )
    source = files("ray_pipeline.text") / "data" / f"symbols_{version}.json"
    names: list[str] = json.loads(source.read_text("utf-8"))
    return MappingProxyType({name: index for index, name in enumerate(names)})
