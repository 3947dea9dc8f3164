"""Speaking with kept voices: the part of both clients for it.

Sound comes as server-sent events, because the last of them says that nothing is missing.
"""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import httpx

from ray_pipeline.core.workspace import atomic_path
from serve_app.client.errors import ServiceError, refused, unreachable

_PATH = "/v1/audio/speech"
_FORMAT_OF_SUFFIX = {
    **{f".{name}": name for name in ("mp3", "opus", "aac", "flac", "wav", "pcm")},
    ".ogg": "opus",
}
_TIMEOUT = httpx.Timeout(180, connect=10)


def format_of(path: Path) -> str:
    """The format that a file's name asks for. Raises ValueError."""
    try:
        return _FORMAT_OF_SUFFIX[path.suffix.lower()]
    except KeyError:
        raise ValueError(
            f"{path.name} names no format of sound: end it with one of "
            f"{', '.join(_FORMAT_OF_SUFFIX)}"
        ) from None


def _request(voice: str, text: str, options: dict[str, Any]) -> dict[str, Any]:
    return {
        "json": {"voice": voice, "input": text, "stream_format": "sse", **options},
        "headers": {"Accept": "text/event-stream, application/problem+json"},
        "timeout": _TIMEOUT,
    }


class _Events:
    """`facts` are those of the closing event, once it has come."""

    def __init__(self) -> None:
        self.facts: dict[str, Any] = {}

    def feed(self, line: str) -> bytes:
        """The sound in a line. Raises ServiceError for what broke the speech off."""
        if not line.startswith("data: "):
            return b""
        event = json.loads(line.removeprefix("data: "))
        if event["type"] == "error":
            error = event["error"]
            raise ServiceError(error["message"], status=200, code=str(error["code"]))
        if event["type"] == "speech.audio.done":
            self.facts = event
        return base64.b64decode(event.get("audio", ""))

    def require_end(self) -> dict[str, Any]:
        if not self.facts:
            raise ServiceError(
                "The speech broke off before its end.", status=200, code="incomplete"
            )
        return self.facts


class BlockingSpeech:
    """Part of `Client`."""

    _http: httpx.Client

    def speak(self, voice: str, text: str, target: str | Path, **options: Any) -> dict[str, Any]:
        """Write a text, spoken, to `target`, which appears only when it is whole; its name says
        the format. `options` are fields of POST /v1/audio/speech. Answers what is known of the
        speech: seconds, seed, pieces, attempts, problems, digest.

        Raises ValueError for a name without a format, and ServiceError.
        """
        target, events = Path(target), _Events()
        options = {"response_format": format_of(target), **options}
        with atomic_path(target) as partial, partial.open("wb") as out:
            for sound in self._sounds(voice, text, options, events):
                out.write(sound)
        return events.require_end()

    def speak_stream(self, voice: str, text: str, **options: Any) -> Iterator[bytes]:
        """The bytes of the file as they are made, MP3 unless `response_format` says otherwise.
        Raises ServiceError, at the end too if something is missing."""
        return self._sounds(voice, text, options, _Events())

    def _sounds(
        self, voice: str, text: str, options: dict[str, Any], events: _Events
    ) -> Iterator[bytes]:
        try:
            request = _request(voice, text, options)
            with self._http.stream("POST", _PATH, **request) as response:
                if response.is_error:
                    response.read()
                    raise refused(response)
                for line in response.iter_lines():
                    if sound := events.feed(line):
                        yield sound
        except httpx.TransportError as error:
            raise unreachable(self._http.base_url, error) from error
        events.require_end()


class AsyncSpeech:
    """Part of `AsyncClient`; see `BlockingSpeech`."""

    _http: httpx.AsyncClient

    async def speak(
        self, voice: str, text: str, target: str | Path, **options: Any
    ) -> dict[str, Any]:
        """Write a text, spoken, to `target`; see `Client.speak`."""
        target, events = Path(target), _Events()
        options = {"response_format": format_of(target), **options}
        with atomic_path(target) as partial, partial.open("wb") as out:
            async with aclosing(self._sounds(voice, text, options, events)) as sounds:
                async for sound in sounds:
                    out.write(sound)
        return events.require_end()

    def speak_stream(self, voice: str, text: str, **options: Any) -> AsyncGenerator[bytes]:
        """The bytes of the file as they are made; see `Client.speak_stream`."""
        return self._sounds(voice, text, options, _Events())

    async def _sounds(
        self, voice: str, text: str, options: dict[str, Any], events: _Events
    ) -> AsyncGenerator[bytes]:
        try:
            request = _request(voice, text, options)
            async with self._http.stream("POST", _PATH, **request) as response:
                if response.is_error:
                    await response.aread()
                    raise refused(response)
                async for line in response.aiter_lines():
                    if sound := events.feed(line):
                        yield sound
        except httpx.TransportError as error:
            raise unreachable(self._http.base_url, error) from error
        events.require_end()
