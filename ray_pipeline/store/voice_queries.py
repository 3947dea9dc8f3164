"""What can be asked about kept voices, by anybody, at any time.

voice, version, alias = store.resolve_voice("anna@3", chance=random.random())
"""

from __future__ import annotations

from abc import abstractmethod
from contextlib import AbstractContextManager

from sqlalchemy import select
from sqlalchemy.orm import Session

from ray_pipeline.core.errors import NotFound, VoiceDisabled
from ray_pipeline.core.trials import Trial
from ray_pipeline.core.voice_names import normal_name, split_spoken
from ray_pipeline.core.voices import VoiceAlias, VoiceRecord, VoiceVersion
from ray_pipeline.store.voice_models import (
    VoiceAliasRow,
    VoiceRow,
    VoiceTrialRow,
    VoiceVersionRow,
    to_alias,
    to_trial,
    to_voice,
    to_voice_version,
)

_NAMED_IN_HINT = 20
Resolved = tuple[VoiceRecord, VoiceVersion, VoiceAlias | None]


class VoiceQueries:
    """Part of `Store`."""

    @abstractmethod
    def _read(self) -> AbstractContextManager[Session]: ...

    def voice(self, name_or_id: str) -> VoiceRecord:
        """Raises NotFound; aliases are not looked at."""
        with self._read() as session:
            return to_voice(voice_row(session, name_or_id))

    def voices(self) -> list[VoiceRecord]:
        """By name."""
        with self._read() as session:
            return [to_voice(row) for row in session.scalars(select(VoiceRow).order_by("name"))]

    def voice_version(self, voice_id: str, number: int) -> VoiceVersion:
        """Raises NotFound."""
        with self._read() as session:
            return find_version(session, voice_row(session, voice_id), number)

    def voice_versions(self, voice_id: str) -> list[VoiceVersion]:
        """Oldest first. Raises NotFound for a voice that is not there."""
        with self._read() as session:
            row = voice_row(session, voice_id)
            query = select(VoiceVersionRow).where(VoiceVersionRow.voice_id == row.voice_id)
            rows = session.scalars(query.order_by(VoiceVersionRow.number))
            return [to_voice_version(row) for row in rows]

    def aliases(self, voice_id: str | None = None) -> list[VoiceAlias]:
        """By name; of one voice or of all."""
        query = select(VoiceAliasRow).order_by(VoiceAliasRow.name)
        if voice_id is not None:
            query = query.where(VoiceAliasRow.voice_id == voice_id)
        with self._read() as session:
            return [to_alias(row) for row in session.scalars(query)]

    def alias(self, name: str) -> VoiceAlias:
        """Raises NotFound."""
        with self._read() as session:
            return to_alias(alias_row(session, name))

    def trials(self, alias: str) -> list[Trial]:
        """What came of the requests for an alias, by version. Raises NotFound."""
        with self._read() as session:
            return trials_of(session, alias_row(session, alias).name)

    def kept_hashes(self) -> set[str]:
        """SHA-256 of every file that some version needs."""
        with self._read() as session:
            rows = session.scalars(select(VoiceVersionRow))
            return {file.sha256 for row in rows for file in to_voice_version(row).files}

    def resolve_voice(self, spoken_name: str, chance: float) -> Resolved:
        """Who is meant by `name`, `name@3`, an id or an alias, and which of its versions speaks.

        `chance` in 0..1, drawn for each request, decides whether an alias sends it to its canary.
        A version that is named has the last word. Raises NotFound, with the names there are, and
        VoiceDisabled.
        """
        name, number = split_spoken(spoken_name)
        with self._read() as session:
            found = _find(session, name)
            alias = None
            if found is None:
                other = find_alias(session, name)
                if other is None:
                    raise _unknown(session, spoken_name)
                alias, found = to_alias(other), voice_row(session, other.voice_id)
            record = to_voice(found)
            if record.disabled_reason:
                raise VoiceDisabled(
                    f"The voice {record.name} was taken out of use: {record.disabled_reason}",
                    reason=record.disabled_reason,
                    voice=record.name,
                )
            if number is None:
                number = _of_alias(alias, chance) or record.current
            return record, find_version(session, found, number), alias


def _of_alias(alias: VoiceAlias | None, chance: float) -> int | None:
    if alias is None:
        return None
    is_canary = alias.canary_version is not None and chance < alias.canary_share
    return alias.canary_version if is_canary else alias.version


def voice_row(session: Session, name_or_id: str, *, lock: bool = False) -> VoiceRow:
    """Raises NotFound."""
    row = _find(session, normal_name(name_or_id), lock=lock)
    if row is None:
        raise _unknown(session, name_or_id)
    return row


def alias_row(session: Session, name: str) -> VoiceAliasRow:
    """Raises NotFound."""
    row = find_alias(session, normal_name(name))
    if row is None:
        raise NotFound(
            f"There is no alias {name[:200]!r}.", hint="GET /api/v1/voice-aliases lists them."
        )
    return row


def _find(session: Session, name: str, *, lock: bool = False) -> VoiceRow | None:
    if "\0" in name:  # PostgreSQL takes none in a text
        return None
    for column in (VoiceRow.voice_id, VoiceRow.name):
        query = select(VoiceRow).where(column == name)
        row = session.scalar(query.with_for_update() if lock else query)
        if row is not None:
            return row
    return None


def find_alias(session: Session, name: str) -> VoiceAliasRow | None:
    return None if "\0" in name else session.get(VoiceAliasRow, name)


def trials_of(session: Session, alias: str) -> list[Trial]:
    query = select(VoiceTrialRow).where(VoiceTrialRow.alias == alias)
    return [to_trial(row) for row in session.scalars(query.order_by(VoiceTrialRow.version))]


def find_version(session: Session, voice: VoiceRow, number: int) -> VoiceVersion:
    row = session.get(VoiceVersionRow, (voice.voice_id, number))
    if row is None:
        raise NotFound(
            f"The voice {voice.name} has no version {number}.",
            hint=f"GET /api/v1/voices/{voice.name}/versions lists them.",
        )
    return to_voice_version(row)


def _unknown(session: Session, name: str) -> NotFound:
    names = [*session.scalars(select(VoiceRow.name)), *session.scalars(select(VoiceAliasRow.name))]
    if not names:
        hint = "There are no voices yet: POST /api/v1/voices keeps one."
    else:
        more = f" and {len(names) - _NAMED_IN_HINT} more" if len(names) > _NAMED_IN_HINT else ""
        hint = f"There are: {', '.join(sorted(names)[:_NAMED_IN_HINT])}{more}."
    return NotFound(f"There is no voice {name[:200]!r}.", hint=hint, voices=sorted(names)[:100])
