"""Kept voices as answers have them: put together from several tables."""

from __future__ import annotations

from ray_pipeline.core.errors import NotFound
from ray_pipeline.core.voices import VoiceRecord
from ray_pipeline.store import Store
from serve_app.voice_schemas import AliasAnswer, VoiceAnswer


def voice_answer(store: Store, voice: VoiceRecord) -> VoiceAnswer:
    """Raises NotFound if it was deleted meanwhile."""
    version = store.voice_version(voice.voice_id, voice.current)
    return VoiceAnswer.of(voice, version, store.aliases(voice.voice_id))


def all_voices(store: Store) -> list[VoiceAnswer]:
    """By name; one that is deleted meanwhile is left out."""
    aliases, found = store.aliases(), []
    for voice in store.voices():
        try:
            version = store.voice_version(voice.voice_id, voice.current)
        except NotFound:
            continue
        found.append(VoiceAnswer.of(voice, version, aliases))
    return found


def all_aliases(store: Store) -> list[AliasAnswer]:
    by_id = {voice.voice_id: voice for voice in store.voices()}
    return [
        AliasAnswer.of(alias, by_id[alias.voice_id])
        for alias in store.aliases()
        if alias.voice_id in by_id
    ]
