"""Kept voices, for asyncio; as in `blocking_voices.py`, awaited."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

from serve_app.client import voice_calls as calls
from serve_app.client.calls import Call
from serve_app.trial_schemas import TrialAnswer
from serve_app.voice_schemas import AliasAnswer, VersionAnswer, VoiceAnswer, VoiceDeleted

T = TypeVar("T")


class AsyncVoices:
    """Part of `AsyncClient`. `voice` is a name or an id."""

    @abstractmethod
    async def _do(self, call: Call[T]) -> T: ...

    @abstractmethod
    async def _save(self, path: str, target: str | Path, **options: Any) -> Path: ...

    async def voices(self) -> list[VoiceAnswer]:
        """The kept voices, by name."""
        return await self._do(calls.voices())

    async def voice(self, voice: str) -> VoiceAnswer:
        return await self._do(calls.voice(voice))

    async def keep_voice(
        self,
        name: str,
        task_id: str,
        *,
        language: str | None = None,
        owner: str = "",
        consent: str = "",
        note: str = "",
        params: dict[str, Any] | None = None,
    ) -> VoiceAnswer:
        """Keep the voice that a task has trained; `params` are options of test_inference.

        Raises ConflictError for a name that is taken, StepNotReadyError before the trainings.
        """
        about = {"language": language, "owner": owner, "consent": consent, "note": note}
        return await self._do(
            calls.keep_voice({"name": name, "task_id": task_id, "params": params, **about})
        )

    async def import_voice(
        self, name: str | None, paths: Sequence[str | Path], **fields: Any
    ) -> VoiceAnswer:
        """Keep a voice from its weights and a recording, from an archive, or from a recording
        alone with `base_model=`. `fields` are those of the form: reference_text,
        reference_language, references, settings, language, owner, consent, note.

        Raises BadModelFileError for weights that nobody should load.
        """
        with ExitStack() as opened:
            parts = calls.open_parts(opened, paths)
            return await self._do(calls.import_voice(parts, {"name": name, **fields}))

    async def voice_versions(self, voice: str) -> list[VersionAnswer]:
        """Oldest first."""
        return await self._do(calls.versions(voice))

    async def keep_version(
        self,
        voice: str,
        task_id: str,
        *,
        note: str = "",
        promote: bool = False,
        params: dict[str, Any] | None = None,
    ) -> VersionAnswer:
        """Keep what a task has trained as another version; `promote` lets it speak at once."""
        body = {"task_id": task_id, "note": note, "promote": promote, "params": params}
        return await self._do(calls.keep_version(voice, body))

    async def import_version(
        self, voice: str, paths: Sequence[str | Path], **fields: Any
    ) -> VersionAnswer:
        """Another version from files; recordings alone are added to the current one, by mood.
        `fields` as for `import_voice`, and promote, mood."""
        with ExitStack() as opened:
            parts = calls.open_parts(opened, paths)
            return await self._do(calls.import_version(voice, parts, fields))

    async def promote_version(self, voice: str, version: int) -> VoiceAnswer:
        return await self._do(calls.promote(voice, version))

    async def roll_back_version(self, voice: str) -> VoiceAnswer:
        """Let the version speak that did so before."""
        return await self._do(calls.roll_back(voice))

    async def change_voice(
        self,
        voice: str,
        *,
        name: str | None = None,
        language: str | None = None,
        owner: str | None = None,
        consent: str | None = None,
    ) -> VoiceAnswer:
        changes = {"name": name, "language": language, "owner": owner, "consent": consent}
        return await self._do(calls.change_voice(voice, changes))

    async def disable_voice(self, voice: str, reason: str) -> VoiceAnswer:
        """Take it out of use: who asks for it gets VoiceDisabledError with the reason."""
        return await self._do(calls.change_voice(voice, {"disabled": True, "reason": reason}))

    async def enable_voice(self, voice: str) -> VoiceAnswer:
        return await self._do(calls.change_voice(voice, {"disabled": False}))

    async def delete_voice(self, voice: str) -> VoiceDeleted:
        """With its versions, its aliases, and the files that no other voice needs."""
        return await self._do(calls.delete_voice(voice))

    async def delete_version(self, voice: str, version: int) -> VoiceDeleted:
        """One that does not speak, and the files that no other needs. Raises ConflictError for one
        in use."""
        return await self._do(calls.delete_version(voice, version))

    async def export_voice(
        self, voice: str, target: str | Path, *, version: int | None = None
    ) -> Path:
        """Write a version, by default the one that speaks, as an archive to import elsewhere."""
        number = version or (await self.voice(voice)).current
        return await self._save(calls.archive_path(voice, number), target)

    async def download_reference(
        self, voice: str, target: str | Path, *, mood: str = "default", version: int | None = None
    ) -> Path:
        """Write a recording that the voice imitates."""
        params = {"params": {"version": version}} if version else {}
        return await self._save(calls.reference_path(voice, mood), target, **params)

    async def voice_aliases(self) -> list[AliasAnswer]:
        """Other names of voices."""
        return await self._do(calls.aliases())

    async def put_voice_alias(
        self,
        name: str,
        voice: str,
        *,
        version: int | None = None,
        canary_version: int | None = None,
        canary_share: float = 0.0,
        rollback_after: int | None = None,
    ) -> AliasAnswer:
        """Give a voice another name, in place of what the name meant before. `rollback_after`:
        send no more to the canary if after so many requests it is seen to be worse."""
        canary = {
            "canary_version": canary_version,
            "canary_share": canary_share,
            "rollback_after": rollback_after,
        }
        return await self._do(calls.put_alias(name, {"voice": voice, "version": version, **canary}))

    async def voice_trial(self, alias: str) -> TrialAnswer:
        """What came of the requests for an alias that tries a version, by version."""
        return await self._do(calls.trial(alias))

    async def delete_voice_alias(self, name: str) -> VoiceDeleted:
        return await self._do(calls.delete_alias(name))
