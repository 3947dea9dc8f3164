"""The tables of kept voices, and their rows as `ray_pipeline.core.voices` has them."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from ray_pipeline.core.trials import Trial, TrialCounts
from ray_pipeline.core.voice_names import MAX_NAME
from ray_pipeline.core.voices import (
    KeptFile,
    KeptReference,
    VoiceAlias,
    VoiceRecord,
    VoiceVersion,
)
from ray_pipeline.store.models import Base


class VoiceRow(Base):
    """`number` orders voices by age; `newest` is the highest number of a version, deleted ones
    included."""

    __tablename__ = "voices"

    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    voice_id: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(MAX_NAME), unique=True)
    language: Mapped[str] = mapped_column(String(20))
    owner: Mapped[str] = mapped_column(Text)
    consent: Mapped[str] = mapped_column(Text)
    disabled_reason: Mapped[str] = mapped_column(Text)
    current: Mapped[int]
    previous: Mapped[int | None]
    newest: Mapped[int]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class VoiceVersionRow(Base):
    """Written once. `gpt`, `sovits` and `recordings` name files of the library by content."""

    __tablename__ = "voice_versions"

    voice_id: Mapped[str] = mapped_column(
        String(40), ForeignKey("voices.voice_id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    base_model: Mapped[str] = mapped_column(String(40))
    gpt: Mapped[dict[str, Any]]
    sovits: Mapped[dict[str, Any]]
    recordings: Mapped[list[Any]]
    settings: Mapped[dict[str, Any]]
    dictionary: Mapped[dict[str, Any]]
    metrics: Mapped[dict[str, Any]]
    lineage: Mapped[dict[str, Any]]
    note: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]


class VoiceAliasRow(Base):
    __tablename__ = "voice_aliases"

    name: Mapped[str] = mapped_column(String(MAX_NAME), primary_key=True)
    voice_id: Mapped[str] = mapped_column(
        String(40), ForeignKey("voices.voice_id", ondelete="CASCADE"), index=True
    )
    version: Mapped[int | None]
    canary_version: Mapped[int | None]
    canary_share: Mapped[float]
    rollback_after: Mapped[int | None]
    rolled_back: Mapped[str] = mapped_column(Text)


class VoiceTrialRow(Base):
    """What came of an alias's requests that one version got; `counts` are `TrialCounts`."""

    __tablename__ = "voice_trials"

    alias: Mapped[str] = mapped_column(
        String(MAX_NAME), ForeignKey("voice_aliases.name", ondelete="CASCADE"), primary_key=True
    )
    version: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    counts: Mapped[dict[str, Any]]


def to_voice(row: VoiceRow) -> VoiceRecord:
    return VoiceRecord(
        voice_id=row.voice_id,
        name=row.name,
        language=row.language,
        owner=row.owner,
        consent=row.consent,
        disabled_reason=row.disabled_reason,
        current=row.current,
        previous=row.previous,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def to_voice_version(row: VoiceVersionRow) -> VoiceVersion:
    return VoiceVersion(
        voice_id=row.voice_id,
        number=row.number,
        base_model=row.base_model,
        gpt=KeptFile(**row.gpt),
        sovits=KeptFile(**row.sovits),
        references=tuple(
            KeptReference(**{**item, "audio": KeptFile(**item["audio"])}) for item in row.recordings
        ),
        settings=row.settings,
        dictionary=row.dictionary,
        metrics=row.metrics,
        lineage=row.lineage,
        note=row.note,
        created_at=row.created_at,
    )


def version_row(version: VoiceVersion) -> VoiceVersionRow:
    values = asdict(version)
    return VoiceVersionRow(recordings=list(values.pop("references")), **values)


def to_alias(row: VoiceAliasRow) -> VoiceAlias:
    return VoiceAlias(
        name=row.name,
        voice_id=row.voice_id,
        version=row.version,
        canary_version=row.canary_version,
        canary_share=row.canary_share,
        rollback_after=row.rollback_after,
        rolled_back=row.rolled_back,
    )


def to_trial(row: VoiceTrialRow) -> Trial:
    return Trial(version=row.version, counts=TrialCounts.read(row.counts))
