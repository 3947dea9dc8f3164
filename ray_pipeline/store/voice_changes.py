"""Writing kept voices: the coordinator only. Each method is one transaction."""

from __future__ import annotations

from abc import abstractmethod
from contextlib import AbstractContextManager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from ray_pipeline.core.errors import Conflict
from ray_pipeline.core.trials import Outcome, Trial, TrialCounts
from ray_pipeline.core.voices import VoiceAlias, VoiceRecord, VoiceVersion
from ray_pipeline.store.voice_models import (
    VoiceAliasRow,
    VoiceRow,
    VoiceTrialRow,
    VoiceVersionRow,
    to_alias,
    to_voice,
    version_row,
)
from ray_pipeline.store.voice_queries import (
    alias_row,
    find_alias,
    find_version,
    trials_of,
    voice_row,
)


class VoiceChanges:
    """Part of `Store`. Writers wait for each other, so what is looked up stays true."""

    @abstractmethod
    def write(self) -> AbstractContextManager[Session]: ...

    def require_free_voice_name(self, name: str) -> None:
        """Raises Conflict for a name that a voice or an alias has."""
        with self.write() as session:
            _require_free(session, name)

    def add_voice(self, record: VoiceRecord, version: VoiceVersion) -> VoiceRecord:
        """A new voice with its first version. Raises Conflict if the name is taken."""
        with self.write() as session:
            _require_free(session, record.name)
            row = VoiceRow(
                voice_id=record.voice_id,
                name=record.name,
                language=record.language,
                owner=record.owner,
                consent=record.consent,
                disabled_reason=record.disabled_reason,
                current=record.current,
                previous=record.previous,
                newest=version.number,
                created_at=record.created_at,
                updated_at=record.updated_at,
            )
            session.add(row)
            session.flush()
            session.add(version_row(version))
            session.flush()
            return to_voice(row)

    def add_voice_version(self, version: VoiceVersion, *, promote: bool) -> VoiceVersion:
        """The next version of the voice `version.voice_id`; the number it came with is replaced.
        With `promote` it becomes the current one. Raises NotFound."""
        with self.write() as session:
            row = voice_row(session, version.voice_id, lock=True)
            row.newest += 1
            numbered = replace(version, number=row.newest)
            session.add(version_row(numbered))
            if promote:
                _make_current(row, numbered.number)
            return numbered

    def update_voice(self, name_or_id: str, **values: Any) -> VoiceRecord:
        """Set fields of VoiceRecord. Raises NotFound, and Conflict for a name that is taken."""
        with self.write() as session:
            row = voice_row(session, name_or_id, lock=True)
            if values.get("name", row.name) != row.name:
                _require_free(session, values["name"])
            for name, value in values.items():
                if name not in ("name", "language", "owner", "consent", "disabled_reason"):
                    raise AttributeError(f"{name} of a voice is not set this way")
                setattr(row, name, value)
            row.updated_at = datetime.now(UTC)
            session.flush()
            return to_voice(row)

    def promote_version(self, name_or_id: str, number: int) -> VoiceRecord:
        """Make it the version that speaks. Raises NotFound."""
        with self.write() as session:
            row = voice_row(session, name_or_id, lock=True)
            find_version(session, row, number)
            _make_current(row, number)
            session.flush()
            return to_voice(row)

    def roll_back_version(self, name_or_id: str) -> VoiceRecord:
        """Change places with the version that spoke before. Raises NotFound, and Conflict if
        there was none."""
        with self.write() as session:
            row = voice_row(session, name_or_id, lock=True)
            if row.previous is None:
                raise Conflict(
                    f"Of the voice {row.name} no other version has spoken before.",
                    hint="Promote the version that you mean.",
                )
            _make_current(row, row.previous)
            session.flush()
            return to_voice(row)

    def delete_version(self, name_or_id: str, number: int) -> VoiceRecord:
        """One version; its number is not given again. Raises NotFound, and Conflict for the one
        that speaks and for one that an alias names."""
        with self.write() as session:
            row = voice_row(session, name_or_id, lock=True)
            find_version(session, row, number)
            if row.current == number:
                raise Conflict(
                    f"Version {number} of {row.name} is the one that speaks.",
                    hint="Promote another first, or delete the voice.",
                )
            named = (VoiceAliasRow.version == number) | (VoiceAliasRow.canary_version == number)
            mine = VoiceAliasRow.voice_id == row.voice_id
            if alias := session.scalar(select(VoiceAliasRow.name).where(mine, named)):
                raise Conflict(
                    f"The alias {alias} names version {number} of {row.name}.",
                    hint="Let the alias mean another version, or delete it.",
                )
            session.delete(session.get(VoiceVersionRow, (row.voice_id, number)))
            if row.previous == number:
                row.previous = None
            row.updated_at = datetime.now(UTC)
            session.flush()
            return to_voice(row)

    def delete_voice(self, name_or_id: str) -> VoiceRecord:
        """With its versions and aliases. Raises NotFound."""
        with self.write() as session:
            row = voice_row(session, name_or_id, lock=True)
            record = to_voice(row)
            for table in (VoiceAliasRow, VoiceVersionRow, VoiceRow):
                session.execute(delete(table).where(table.voice_id == record.voice_id))
            return record

    def put_alias(self, alias: VoiceAlias) -> VoiceAlias:
        """New, or in place of the alias of this name. Raises NotFound for a voice or a version
        that is not there, Conflict for a name that a voice has."""
        with self.write() as session:
            voice = voice_row(session, alias.voice_id)
            for number in (alias.version, alias.canary_version):
                if number is not None:
                    find_version(session, voice, number)
            if session.scalar(select(VoiceRow.number).where(VoiceRow.name == alias.name)):
                raise _taken(alias.name, "a voice")
            alias = replace(alias, voice_id=voice.voice_id, rolled_back="")
            before = find_alias(session, alias.name)
            if before and _compares(to_alias(before)) != _compares(alias):
                session.execute(delete(VoiceTrialRow).where(VoiceTrialRow.alias == alias.name))
            session.merge(VoiceAliasRow(**vars(alias)))
            return alias

    def count_spoken(self, alias: str, version: int, outcome: Outcome) -> list[Trial]:
        """Add what became of a request; the counts of all of the alias's versions. Raises
        NotFound for an alias that was taken away meanwhile."""
        with self.write() as session:
            name = alias_row(session, alias).name
            row = session.get(VoiceTrialRow, (name, version))
            if row is None:
                row = VoiceTrialRow(alias=name, version=version, counts={})
                session.add(row)
            row.counts = asdict(TrialCounts.read(row.counts).plus(outcome))
            session.flush()
            return trials_of(session, name)

    def end_trial(self, alias: VoiceAlias, reason: str) -> None:
        """Send no more requests to its canary, if that is still the same."""
        with self.write() as session:
            row = alias_row(session, alias.name)
            if row.canary_version == alias.canary_version:
                row.canary_share, row.rolled_back = 0.0, reason

    def delete_alias(self, name: str) -> None:
        """Raises NotFound."""
        with self.write() as session:
            session.delete(alias_row(session, name))


def _compares(alias: VoiceAlias) -> tuple[str, int | None, int | None, str]:
    """What its counts are about: another share goes on with them, and nothing else does."""
    return alias.voice_id, alias.version, alias.canary_version, alias.rolled_back


def _make_current(row: VoiceRow, number: int) -> None:
    if row.current != number:
        row.current, row.previous = number, row.current
        row.updated_at = datetime.now(UTC)


def _require_free(session: Session, name: str) -> None:
    """Voices and aliases share their names: a request says one of them."""
    if session.scalar(select(VoiceRow.number).where(VoiceRow.name == name)):
        raise _taken(name, "a voice")
    if find_alias(session, name):
        raise _taken(name, "an alias")


def _taken(name: str, by: str) -> Conflict:
    return Conflict(
        f"There is {by} called {name} already.",
        hint=f"Choose another name, or add a version: POST /api/v1/voices/{name}/versions.",
    )
