"""The routes of kept voices as data, shared by both clients."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import quote

from serve_app.client.calls import Call, doing, once_headers
from serve_app.trial_schemas import TrialAnswer
from serve_app.voice_schemas import (
    AliasAnswer,
    AliasesAnswer,
    VersionAnswer,
    VersionsAnswer,
    VoiceAnswer,
    VoiceDeleted,
    VoicesAnswer,
)

VOICES = "/api/v1/voices"
ALIASES = "/api/v1/voice-aliases"


def voice_path(voice: str, rest: str = "") -> str:
    return f"{VOICES}/{quote(voice, safe='')}{rest}"


def archive_path(voice: str, version: int) -> str:
    return voice_path(voice, f"/versions/{version}/archive")


def reference_path(voice: str, mood: str) -> str:
    return voice_path(voice, f"/references/{quote(mood, safe='')}")


def alias_path(name: str) -> str:
    return f"{ALIASES}/{quote(name, safe='')}"


def voices() -> Call[list[VoiceAnswer]]:
    return Call("GET", VOICES, lambda data: VoicesAnswer.model_validate(data).voices)


def voice(name: str) -> Call[VoiceAnswer]:
    return Call("GET", voice_path(name), VoiceAnswer.model_validate)


def keep_voice(body: Mapping[str, Any]) -> Call[VoiceAnswer]:
    return Call("POST", VOICES, VoiceAnswer.model_validate, doing(_said(body)))


def import_voice(parts: list[tuple[str, Any]], fields: Mapping[str, Any]) -> Call[VoiceAnswer]:
    return Call("POST", VOICES, VoiceAnswer.model_validate, _form(parts, fields))


def versions(name: str) -> Call[list[VersionAnswer]]:
    path = voice_path(name, "/versions")
    return Call("GET", path, lambda data: VersionsAnswer.model_validate(data).versions)


def keep_version(name: str, body: Mapping[str, Any]) -> Call[VersionAnswer]:
    path = voice_path(name, "/versions")
    return Call("POST", path, VersionAnswer.model_validate, doing(_said(body)))


def import_version(
    name: str, parts: list[tuple[str, Any]], fields: Mapping[str, Any]
) -> Call[VersionAnswer]:
    path = voice_path(name, "/versions")
    return Call("POST", path, VersionAnswer.model_validate, _form(parts, fields))


def promote(name: str, version: int) -> Call[VoiceAnswer]:
    path = voice_path(name, "/promote")
    return Call("POST", path, VoiceAnswer.model_validate, doing({"version": version}))


def roll_back(name: str) -> Call[VoiceAnswer]:
    path = voice_path(name, "/rollback")
    return Call("POST", path, VoiceAnswer.model_validate, {"headers": once_headers()})


def change_voice(name: str, changes: Mapping[str, Any]) -> Call[VoiceAnswer]:
    return Call("PATCH", voice_path(name), VoiceAnswer.model_validate, {"json": _said(changes)})


def delete_voice(name: str) -> Call[VoiceDeleted]:
    return Call("DELETE", voice_path(name), VoiceDeleted.model_validate)


def delete_version(name: str, number: int) -> Call[VoiceDeleted]:
    return Call("DELETE", voice_path(name, f"/versions/{number}"), VoiceDeleted.model_validate)


def aliases() -> Call[list[AliasAnswer]]:
    return Call("GET", ALIASES, lambda data: AliasesAnswer.model_validate(data).aliases)


def trial(name: str) -> Call[TrialAnswer]:
    return Call("GET", f"{alias_path(name)}/trial", TrialAnswer.model_validate)


def put_alias(name: str, body: Mapping[str, Any]) -> Call[AliasAnswer]:
    return Call("PUT", alias_path(name), AliasAnswer.model_validate, {"json": _said(body)})


def delete_alias(name: str) -> Call[VoiceDeleted]:
    return Call("DELETE", alias_path(name), VoiceDeleted.model_validate)


def open_parts(opened: ExitStack, paths: Sequence[str | Path]) -> list[tuple[str, Any]]:
    """Files as httpx sends them; they are read piece by piece and closed with `opened`."""
    return [
        ("file", (Path(path).name, opened.enter_context(Path(path).open("rb")))) for path in paths
    ]


def _said(body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if value is not None}


def _form(parts: list[tuple[str, Any]], fields: Mapping[str, Any]) -> dict[str, Any]:
    # As parts of the form, not as httpx's `data`: a form without files is one, too.
    texts = [(name, (None, _text(value))) for name, value in _said(fields).items()]
    return {"files": [*texts, *parts], "headers": once_headers()}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
