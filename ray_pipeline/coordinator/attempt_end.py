"""What a step's process hands back. Apart, so that this process need not load the database."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ray_pipeline.core.task import Transcript


@dataclass(frozen=True)
class AttemptEnd:
    """How an attempt ended. `error` is plain data for clients, `traceback` for the log only."""

    summary: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    transcripts: list[Transcript] | None = None
    error: dict[str, Any] | None = None
    traceback: str = ""
