"""What the routes of speech share; made once a process."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from functools import partial
from typing import Annotated, TypeVar

from fastapi import Depends
from starlette.requests import HTTPConnection

from ray_pipeline.coordinator.interface import Coordinator
from ray_pipeline.core.errors import PipelineError
from ray_pipeline.speaking.order import Part, SpeechOrder
from ray_pipeline.store import Store
from ray_pipeline.text.markup import Break
from serve_app.haproxy import client_address
from serve_app.settings import Settings
from serve_app.speech.choosing import Chooser, Chosen, OnRefusal, Wanted
from serve_app.speech.directed import choose_spans, speak_spans
from serve_app.speech.limits import SpeechGate, time_allowed
from serve_app.speech.speaker import LocalSpeaker, Speaker
from serve_app.speech.trials import Listener, Trials, Tried

T = TypeVar("T")

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

    def __init__(
        self,
        settings: Settings,
        store: Store,
        coordinator: Coordinator,
        speaker: Speaker | None = None,
    ) -> None:
        self.settings = settings
        self.trials = Trials(coordinator.count_spoken)
        self.chooser = Chooser(settings, store)
        self.speaker: Speaker = speaker or LocalSpeaker(settings)
        self.chosen_voices = ChosenVoices()
        self.gate = SpeechGate(settings.speech_per_client, settings.speech_timeout_seconds)

    async def choose(self, wanted: Wanted, remarks: Sequence[str] = ()) -> Chosen:
        """As `Chooser.choose`."""
        return await self._in_thread(partial(self.chooser.choose, wanted, remarks))

    async def choose_spans(self, wanted: Wanted) -> list[Chosen | Break]:
        """As `directed.choose_spans`, of the wanted text."""
        return await self._in_thread(partial(choose_spans, self.chooser, wanted, wanted.text))

    def speak(self, chosen: Chosen, request: HTTPConnection) -> AsyncGenerator[Part]:
        """Within the bounds of the client. Raises InvalidInput for a time limit that is none."""
        within = time_allowed(request)
        client = client_address(request.scope)
        parts = self.gate.speak(self.speaker, chosen.order, client, within)
        return self.trials.watched(parts, chosen.tried)

    def speak_spans(
        self, spans: Sequence[Chosen | Break], request: HTTPConnection
    ) -> AsyncGenerator[Part]:
        """A text with directions, in one place of the client's; as a trial it counts for the
        version that begins. Raises as `speak` does; what cannot be said of any span is known before
        the first is heard."""
        first = next(span for span in spans if isinstance(span, Chosen))
        within = time_allowed(request)
        client = client_address(request.scope)

        async def parts() -> AsyncGenerator[Part]:
            with self.gate.place(client):
                orders = [span.order for span in spans if isinstance(span, Chosen)]
                await asyncio.gather(*(self.speaker.check(order) for order in orders[1:]))
                alone = partial(self.gate.timed, self.speaker, within=within)
                async with aclosing(speak_spans(alone, spans)) as all_parts:
                    async for part in all_parts:
                        yield part

        return self.trials.watched(parts(), first.tried)

    def speak_on(self, order: SpeechOrder) -> AsyncGenerator[Part]:
        """For who has a place already."""
        return self.gate.timed(self.speaker, order)

    async def _in_thread(self, choose: Callable[[OnRefusal], T]) -> T:
        refused: list[tuple[Tried, PipelineError]] = []
        try:
            return await asyncio.to_thread(choose, lambda *one: refused.append(one))
        finally:
            for tried, error in refused:
                self.trials.ended(tried, Listener(), error)


def _service(connection: HTTPConnection) -> SpeechService:
    found: SpeechService = connection.app.state.speech
    return found


SpeechDep = Annotated[SpeechService, Depends(_service)]
