"""What the routes of speech share; made once a process."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from functools import partial
from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from ray_pipeline.speaking.order import Part, SpeechOrder
from ray_pipeline.store import Store
from ray_pipeline.text.markup import Break
from serve_app.haproxy import client_address
from serve_app.settings import Settings
from serve_app.speech.choosing import Chooser, Chosen
from serve_app.speech.directed import speak_spans
from serve_app.speech.limits import SpeechGate, time_allowed
from serve_app.speech.speaker import LocalSpeaker, Speaker

_MOST_CLIENTS = 1000


class ChosenVoices:
    """Which voice the clients have set, by address: api_v2 has one for everybody, and mixes them
    up. Forgotten when the service ends."""

    def __init__(self) -> None:
        self._by_client: OrderedDict[str, str] = OrderedDict()

    def set(self, connection: HTTPConnection, voice: str) -> None:
        client = client_address(connection.scope)
        self._by_client[client] = voice
        self._by_client.move_to_end(client)
        while len(self._by_client) > _MOST_CLIENTS:
            self._by_client.popitem(last=False)

    def of(self, connection: HTTPConnection) -> str:
        return self._by_client.get(client_address(connection.scope), "")


class SpeechService:
    """Without a `speaker` an engine in this process speaks."""

    def __init__(self, settings: Settings, store: Store, speaker: Speaker | None = None) -> None:
        self.settings = settings
        self.chooser = Chooser(settings, store)
        self.speaker: Speaker = speaker or LocalSpeaker(settings)
        self.chosen_voices = ChosenVoices()
        self.gate = SpeechGate(settings.speech_per_client, settings.speech_timeout_seconds)

    def speak(self, order: SpeechOrder, request: HTTPConnection) -> AsyncGenerator[Part]:
        """Within the bounds of the client. Raises InvalidInput for a time limit that is none."""
        within = time_allowed(request)
        return self.gate.speak(self.speaker, order, client_address(request.scope), within)

    def speak_spans(
        self, spans: Sequence[Chosen | Break], request: HTTPConnection
    ) -> AsyncGenerator[Part]:
        """A text with directions, in one place of the client's. Raises as `speak` does."""
        within = time_allowed(request)
        client = client_address(request.scope)

        async def parts() -> AsyncGenerator[Part]:
            with self.gate.place(client):
                alone = partial(self.gate.timed, self.speaker, within=within)
                async with aclosing(speak_spans(alone, spans)) as all_parts:
                    async for part in all_parts:
                        yield part

        return parts()

    def speak_on(self, order: SpeechOrder) -> AsyncGenerator[Part]:
        """For who has a place already."""
        return self.gate.timed(self.speaker, order)


def _service(connection: HTTPConnection) -> SpeechService:
    found: SpeechService = connection.app.state.speech
    return found


SpeechDep = Annotated[SpeechService, Depends(_service)]
