"""Drafts become voices: files first, then the row that needs them.

A crash in between leaves files that no row names; the next start removes them. Only the
coordinator has one of these, for it alone writes.
"""

from __future__ import annotations

import logging
import shutil
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from ray_pipeline.core.errors import NotFound, PipelineError
from ray_pipeline.core.voice_names import check_voice_name
from ray_pipeline.core.voices import KeptFile, KeptReference, VoiceRecord, VoiceVersion
from ray_pipeline.library.draft import Draft, DraftFile, check_moods
from ray_pipeline.library.files import FileStore, files_folder
from ray_pipeline.store import Store

_log = logging.getLogger(__name__)
# Nobody sends or checks a voice for so long: whoever began it is gone.
_FORGOTTEN_SECONDS = 6 * 3600


def incoming_folder(data_dir: Path) -> Path:
    """Where what is sent lies until it is kept; a folder for each request."""
    return data_dir / "voices" / "incoming"


class Library:
    """Thread-safe. Raises StorageFull and Unavailable as the disk and the database do."""

    def __init__(self, store: Store, data_dir: Path) -> None:
        self._store = store
        self._files = FileStore(files_folder(data_dir))
        self._incoming = incoming_folder(data_dir)
        self._lock = threading.Lock()
        self._under_way = 0
        self._litter = False

    def create(self, record: VoiceRecord, draft: Draft) -> VoiceRecord:
        """Keep the first version of a voice; `voice_id` and the times of `record` are set here.

        Raises InvalidInput for its name or a mood, Conflict if the name is taken, NotFound if a
        file of the draft has gone.
        """
        now = datetime.now(UTC)
        record = VoiceRecord(
            voice_id=str(uuid.uuid4()),
            name=check_voice_name(record.name),
            language=record.language,
            owner=record.owner,
            consent=record.consent,
            current=1,
            created_at=now,
            updated_at=now,
        )
        # Known before anything is copied; `add_voice` has the last word.
        self._store.require_free_voice_name(record.name)
        with self._keeping(draft, record.voice_id) as version:
            return self._store.add_voice(record, version)

    def add_version(self, name_or_id: str, draft: Draft, *, promote: bool) -> VoiceVersion:
        """Keep another version of a voice. Raises as `create` does, and NotFound."""
        voice = self._store.voice(name_or_id)
        with self._keeping(draft, voice.voice_id) as version:
            return self._store.add_voice_version(version, promote=promote)

    def delete(self, name_or_id: str) -> VoiceRecord:
        """The voice, its versions, its aliases, and the files that no other voice needs. Raises
        NotFound."""
        return self._without_its_files(self._store.delete_voice(name_or_id))

    def delete_version(self, name_or_id: str, number: int) -> VoiceRecord:
        """One version, and the files that no other needs. Raises NotFound, and Conflict for one
        that is in use."""
        return self._without_its_files(self._store.delete_version(name_or_id, number))

    def clean_up(self) -> int:
        """Remove what a crash has left; returns how many files. For the coordinator's start."""
        with self._lock:
            for folder in self._incoming.glob("*"):
                if time.time() - folder.stat().st_mtime > _FORGOTTEN_SECONDS:
                    shutil.rmtree(folder, ignore_errors=True)
            return self._sweep()

    def _without_its_files(self, record: VoiceRecord) -> VoiceRecord:
        with self._lock:
            self._litter = True
            self._sweep_if_quiet()
        return record

    @contextmanager
    def _keeping(self, draft: Draft, voice_id: str) -> Iterator[VoiceVersion]:
        """The version with its files in place, for as long as it takes to write its row. Nothing
        is swept meanwhile, and everything is afterwards if that failed."""
        check_moods(draft.references)
        with self._lock:
            self._under_way += 1
        try:
            yield self._copied(draft, voice_id)
        except BaseException:
            self._litter = True
            raise
        finally:
            with self._lock:
                self._under_way -= 1
                self._sweep_if_quiet()

    def _copied(self, draft: Draft, voice_id: str) -> VoiceVersion:
        references = tuple(
            KeptReference(
                mood=check_voice_name(each.mood, "references.mood"),
                audio=self._keep(each.audio),
                text=each.text,
                language=each.language,
            )
            for each in draft.references
        )
        gpt, sovits = self._keep(draft.gpt), self._keep(draft.sovits)
        return VoiceVersion(
            voice_id=voice_id,
            number=1,
            base_model=draft.base_model,
            gpt=gpt,
            sovits=sovits,
            references=references,
            settings=draft.settings,
            dictionary=draft.dictionary,
            metrics=draft.metrics,
            lineage={**draft.lineage, "gpt_sha256": gpt.sha256, "sovits_sha256": sovits.sha256},
            note=draft.note,
            created_at=datetime.now(UTC),
        )

    def _keep(self, file: DraftFile) -> KeptFile:
        try:
            return self._files.keep(file.path, file.name, move=file.is_ours)
        except FileNotFoundError:
            raise NotFound(
                f"{file.name or file.path.name} was removed while the voice was being kept.",
                hint="Try again; if its task was deleted, import the voice from its files.",
            ) from None

    def _sweep_if_quiet(self) -> None:
        if self._litter and self._under_way == 0:
            try:
                self._sweep()
            except (PipelineError, OSError) as error:  # the next start or deletion does it
                _log.warning("files of deleted voices were not removed: %s", error)
            else:
                self._litter = False

    def _sweep(self) -> int:
        # Within a transaction: the lease is held until its end, so no other coordinator keeps
        # files meanwhile; and one that has lost it removes nothing.
        with self._store.write():
            return self._files.sweep(self._store.kept_hashes())
