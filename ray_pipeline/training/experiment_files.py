"""Reading the two tables of an experiment folder, and saying which clips drop out and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from ray_pipeline.core.errors import SetAsideReason, StepNotReady
from ray_pipeline.core.workspace import Experiment

_Item = TypeVar("_Item")


@dataclass(frozen=True)
class DroppedClip:
    """A clip that a training leaves out; `facts` as StepFailed has them."""

    name: str
    reason: str
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Objection:
    """Why a clip cannot be trained on: a sentence without its name, and for programs."""

    words: str
    reason: SetAsideReason
    numbers: dict[str, Any] = field(default_factory=dict)

    def of(self, name: str) -> DroppedClip:
        return DroppedClip(name, self.words, {"reason": self.reason, **self.numbers})


def read_phones(experiment: Experiment) -> dict[str, list[str]]:
    """The phones of each clip in `2-name2text.txt`. Rows without four columns are passed over,
    as the original's loaders do."""
    rows = (line.split("\t") for line in _lines(experiment.phones_table, "extract_text_features"))
    return {row[0]: row[1].split(" ") for row in rows if len(row) == 4}


def read_semantic_tokens(experiment: Experiment) -> dict[str, list[int]]:
    """The semantic tokens (25 a second) of each clip in `6-name2semantic.tsv`."""
    lines = _lines(experiment.semantic_table, "extract_semantic_features")
    rows = (line.split("\t") for line in lines[1:])
    return {row[0]: [int(token) for token in row[1].split()] for row in rows if len(row) == 2}


def phone_ids(phones: Sequence[str], table: Mapping[str, int]) -> list[int] | None:
    """None when a phone is not in the symbol table."""
    ids = [table.get(phone) for phone in phones]
    return None if None in ids else [number for number in ids if number is not None]


def unknown_phones(phones: Sequence[str], table: Mapping[str, int]) -> Objection:
    """Says which phones the symbol table lacks."""
    missing = " ".join(sorted({phone for phone in phones if phone not in table}))
    words = f"phones unknown to this base model: {missing}"
    return Objection(words, "unknown_phones", {"phones": missing})


def repeat_short_list(
    items: list[_Item], *, listed: int | None = None, enough: int = 100
) -> list[_Item]:
    """The original goes through fewer than 100 clips at least twice in an epoch. How often
    follows from `listed`, the clips it counts (default: these)."""
    count = len(items) if listed is None else listed
    if not items or count >= enough:
        return items
    return items * max(2, enough // count)


def _lines(path: Path, made_by: str) -> list[str]:
    try:
        return path.read_text("utf-8").splitlines()
    except FileNotFoundError:
        raise StepNotReady(
            f"The features of the clips are not there: {path.name} is missing.",
            hint=f"Run {made_by} first.",
            missing=[made_by],
        ) from None
