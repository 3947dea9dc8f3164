"""A kept voice, its versions and its other names, as plain data.

A voice is what people ask for by name; a version is what speaks: two weight files, recordings to
imitate, and what is known of them. A version never changes; the voice says which one is current.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

# The recording that is imitated where a request names none.
DEFAULT_MOOD = "default"


@dataclass(frozen=True, kw_only=True)
class KeptFile:
    """A file of the library: `name` is what it was called, `sha256` where it lies."""

    name: str
    sha256: str
    size: int


@dataclass(frozen=True, kw_only=True)
class KeptReference:
    """3 to 10 s of the speaker. `mood` is what requests call it; without `text` only its sound
    is imitated."""

    mood: str
    audio: KeptFile
    text: str = ""
    language: str = ""


@dataclass(frozen=True, kw_only=True)
class VoiceVersion:
    """`settings` are those of `Delivery` that the voice likes to speak with, `dictionary` its own
    words as a task keeps them, `metrics` and `lineage` what is known of how it was made."""

    voice_id: str
    number: int
    base_model: str
    gpt: KeptFile
    sovits: KeptFile
    references: tuple[KeptReference, ...]
    settings: dict[str, Any] = field(default_factory=dict)
    dictionary: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    lineage: dict[str, Any] = field(default_factory=dict)
    note: str = ""
    created_at: datetime

    @property
    def files(self) -> tuple[KeptFile, ...]:
        return (self.gpt, self.sovits, *(reference.audio for reference in self.references))


@dataclass(frozen=True, kw_only=True)
class VoiceRecord:
    """`name` is unique among voices and aliases. `consent` says who agreed to what. A voice with
    a `disabled_reason` speaks no more. `current` is the version that speaks; `previous` the one
    that a rollback returns to."""

    voice_id: str
    name: str
    language: str
    owner: str = ""
    consent: str = ""
    disabled_reason: str = ""
    current: int
    previous: int | None = None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, kw_only=True)
class VoiceAlias:
    """Another name of a voice. `version` None follows the voice's current one. `canary_share` of
    the requests (0 to 1) go to `canary_version`. With `rollback_after` the share becomes 0 by
    itself if, after so many of its requests or later, the canary is seen to be worse
    (`trials.why_worse`); `rolled_back` says why it did."""

    name: str
    voice_id: str
    version: int | None = None
    canary_version: int | None = None
    canary_share: float = 0.0
    rollback_after: int | None = None
    rolled_back: str = ""

    @property
    def tries(self) -> bool:
        """Whether two versions are being compared."""
        return self.canary_version is not None and self.canary_share > 0
