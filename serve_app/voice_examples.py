"""An answer of each route about kept voices, as /docs shows it."""

from __future__ import annotations

from typing import Any

_VOICE_ID = "0b6f7d0e-8a50-4b1c-9f0a-6f2f3b1d5c77"
_SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

_VOICE: dict[str, Any] = {
    "voice_id": _VOICE_ID,
    "name": "anna",
    "language": "en",
    "owner": "Anna Example",
    "consent": "Agreed in writing on 2026-11-20.",
    "disabled_reason": "",
    "current": 2,
    "previous": 1,
    "base_model": "v2ProPlus",
    "moods": ["default", "happy"],
    "aliases": ["narrator"],
    "created_at": "2026-11-22T17:40:00Z",
    "updated_at": "2026-11-23T09:12:00Z",
}
_VERSION: dict[str, Any] = {
    "voice_id": _VOICE_ID,
    "number": 2,
    "base_model": "v2ProPlus",
    "gpt": {"name": "anna-e15.ckpt", "sha256": _SHA256, "size": 155_315_150},
    "sovits": {"name": "anna_e8_s96.pth", "sha256": _SHA256, "size": 140_231_680},
    "references": [
        {
            "mood": "default",
            "audio": {"name": "talk.wav_0_185280.wav", "sha256": _SHA256, "size": 370_604},
            "text": "Good morning, everyone.",
            "language": "en",
        }
    ],
    "settings": {"top_k": 5},
    "dictionary": {},
    "metrics": {},
    "lineage": {"source": "task", "task_id": "5f0c9f0e-2b6d-4a57-9f61-0a4d6a1f7c11"},
    "note": "more recordings",
    "created_at": "2026-11-23T09:10:00Z",
}
_ALIAS: dict[str, Any] = {
    "name": "narrator",
    "voice": "anna",
    "voice_id": _VOICE_ID,
    "version": None,
    "canary_version": 2,
    "canary_share": 0.1,
    "rollback_after": 50,
    "rolled_back": "",
}
_TRIED: dict[str, Any] = {
    "version": 1,
    "is_canary": False,
    "requests": 460,
    "refused": 3,
    "failed": 1,
    "left": 12,
    "with_lost": 9,
    "with_gaps": 4,
    "pieces": 1804,
    "retries": 61,
    "lost": 10,
    "sound_seconds": 6120.4,
    "gap_seconds": 3.1,
    "first_sound_seconds": 0.64,
    "timbre_distance": 1.1,
    "cer": 0.021,
}

VOICE_EXAMPLES: dict[str, Any] = {
    "list_voices": {"voices": [_VOICE]},
    "get_voice": _VOICE,
    "create_voice": _VOICE | {"current": 1, "previous": None, "moods": ["default"], "aliases": []},
    "update_voice": _VOICE | {"disabled_reason": "She withdrew her consent."},
    "promote_version": _VOICE,
    "roll_back_version": _VOICE | {"current": 1, "previous": 2},
    "delete_voice": {"message": "The voice anna was deleted.", "name": "anna"},
    "delete_version": {"message": "anna@1 was deleted.", "name": "anna@1"},
    "list_versions": {"versions": [_VERSION]},
    "get_version": _VERSION,
    "create_version": _VERSION,
    "list_aliases": {"aliases": [_ALIAS]},
    "get_alias": _ALIAS,
    "put_alias": _ALIAS,
    "get_trial": {
        "alias": _ALIAS,
        "versions": [
            _TRIED,
            _TRIED | {"version": 2, "is_canary": True, "requests": 51, "pieces": 198, "retries": 5},
        ],
    },
    "delete_alias": {"message": "The alias narrator was deleted.", "name": "narrator"},
}
