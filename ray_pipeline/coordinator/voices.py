"""Changes of kept voices, with the rules that hold whoever asks."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from ray_pipeline.coordinator.interface import AboutVoice
from ray_pipeline.core.errors import InvalidInput
from ray_pipeline.core.trials import Outcome, why_worse
from ray_pipeline.core.voice_names import check_voice_name
from ray_pipeline.core.voices import VoiceAlias, VoiceRecord, VoiceVersion
from ray_pipeline.library.draft import Draft
from ray_pipeline.library.keeping import Library
from ray_pipeline.store import Store

_log = logging.getLogger(__name__)


class KeptVoices:
    def __init__(self, store: Store, data_dir: Path) -> None:
        self._store = store
        self._library = Library(store, data_dir)

    def create(self, name: str, draft: Draft, about: AboutVoice) -> VoiceRecord:
        """Without a language in `about` it is what the draft speaks."""
        now = datetime.now(UTC)
        record = VoiceRecord(
            voice_id="",
            name=name,
            language=about.language or draft.language or "auto",
            owner=about.owner,
            consent=about.consent,
            current=1,
            created_at=now,
            updated_at=now,
        )
        return self._library.create(record, draft)

    def add_version(self, voice: str, draft: Draft, *, promote: bool) -> VoiceVersion:
        return self._library.add_version(voice, draft, promote=promote)

    def update(self, voice: str, changes: dict[str, str]) -> VoiceRecord:
        if "name" in changes:
            changes = {**changes, "name": check_voice_name(changes["name"])}
        return self._store.update_voice(voice, **changes)

    def delete(self, voice: str) -> VoiceRecord:
        return self._library.delete(voice)

    def delete_version(self, voice: str, number: int) -> VoiceRecord:
        return self._library.delete_version(voice, number)

    def put_alias(self, alias: VoiceAlias) -> VoiceAlias:
        if not 0 <= alias.canary_share <= 1:
            raise InvalidInput(
                f"{alias.canary_share} is no share of the requests.",
                hint="Give a number from 0 to 1.",
                field="canary_share",
            )
        if alias.canary_share and alias.canary_version is None:
            raise InvalidInput(
                "A share of the requests needs a version that they go to.",
                hint="Give canary_version, or leave canary_share out.",
                field="canary_version",
            )
        return self._store.put_alias(replace(alias, name=check_voice_name(alias.name)))

    def count_spoken(self, alias_name: str, version: int, outcome: Outcome) -> None:
        """A request for an alias came to its end; it may be the one that shows its canary worse
        than the version that gets the other requests."""
        trials = self._store.count_spoken(alias_name, version, outcome)
        alias = self._store.alias(alias_name)
        if not alias.tries or alias.rollback_after is None or version != alias.canary_version:
            return
        counts = {trial.version: trial.counts for trial in trials}
        usual = alias.version or self._store.voice(alias.voice_id).current
        if usual == version or usual not in counts:
            return
        if reason := why_worse(counts[version], counts[usual], alias.rollback_after):
            _log.warning("%s sends no more to version %d: %s", alias_name, version, reason)
            self._store.end_trial(alias, reason)
