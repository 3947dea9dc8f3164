"""A version before it is kept: its files still lie where they came from.

Drafts are made where files may be read at length (a Ray task, a thread), and kept by the
coordinator, which only copies. So this is plain data and imports nothing heavy.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ray_pipeline.core.errors import InvalidInput
from ray_pipeline.core.voice_names import check_voice_name

MAX_REFERENCES = 32


@dataclass(frozen=True)
class DraftFile:
    """`is_ours` says that it was put there for this draft and may be moved away. Without a `name`
    it is called as it lies there."""

    path: Path
    name: str = ""
    is_ours: bool = False


@dataclass(frozen=True, kw_only=True)
class DraftReference:
    mood: str
    audio: DraftFile
    text: str = ""
    language: str = ""


@dataclass(frozen=True, kw_only=True)
class Draft:
    """See `VoiceVersion`. `voice_name` and `language` are what the source calls the voice and
    what it speaks, or empty."""

    base_model: str
    gpt: DraftFile
    sovits: DraftFile
    references: tuple[DraftReference, ...]
    settings: dict[str, Any] = field(default_factory=dict)
    dictionary: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    lineage: dict[str, Any] = field(default_factory=dict)
    note: str = ""
    voice_name: str = ""
    language: str = ""


def check_moods(references: tuple[DraftReference, ...]) -> None:
    """Raises InvalidInput for a mood that cannot be named in an address, is given twice, or is
    one too many."""
    moods = [check_voice_name(reference.mood, "references.mood") for reference in references]
    twice = sorted({mood for mood in moods if moods.count(mood) > 1})
    if twice:
        raise InvalidInput(
            f"Two references have the mood {twice[0]}.",
            hint="Give each reference a mood of its own.",
            field="references.mood",
        )
    if len(moods) > MAX_REFERENCES:
        raise InvalidInput(
            f"A voice has at most {MAX_REFERENCES} references.",
            hint="Leave some out.",
            field="references",
        )
