"""The Serve deployment that speaks, apart from the one that answers HTTP."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from ray import serve

from ray_pipeline.speaking.order import Part, SpeechOrder
from serve_app.settings import Settings
from serve_app.speech.speaker import LocalSpeaker

# The engine refuses what is too much, with a time to return after; Serve would only let it wait.
_MORE_THAN_THE_ENGINE = 2


@serve.deployment(name="Voices", graceful_shutdown_timeout_s=60)
class Voices:
    """Its engine is made when somebody first asks for speech, so that a service which only trains
    pays nothing for it."""

    def __init__(self, settings: Settings) -> None:
        logging.getLogger("serve_app").setLevel(settings.log_level)
        self._speaker = LocalSpeaker(settings)

    async def speak(self, order: SpeechOrder) -> AsyncGenerator[Part]:
        async with aclosing(self._speaker.speak(order)) as parts:
            async for part in parts:
                yield part

    async def check(self, order: SpeechOrder) -> None:
        await self._speaker.check(order)

    async def stats(self) -> dict[str, Any]:
        return await self._speaker.stats()

    def __del__(self) -> None:
        speaker = getattr(self, "_speaker", None)
        if speaker is not None:
            speaker.close()


def options(settings: Settings) -> dict[str, Any]:
    """How the deployment is started: its share of a GPU, its CPUs, and how many of it."""
    chosen: dict[str, Any] = {
        "max_ongoing_requests": settings.speech_max_requests * _MORE_THAN_THE_ENGINE,
        "ray_actor_options": {
            "num_cpus": settings.speech_cpus,
            "num_gpus": settings.speech_gpus,
        },
    }
    fewest, most = settings.speech_min_replicas, settings.speech_max_replicas
    if fewest == most:
        return chosen | {"num_replicas": most}
    return chosen | {
        "autoscaling_config": {
            "min_replicas": fewest,
            "max_replicas": most,
            # A request is a stream that lasts; another engine helps when a few wait for one.
            "target_ongoing_requests": settings.speech_max_rows / 2,
            "upscale_delay_s": 3,
            "downscale_delay_s": settings.speech_idle_seconds,
        }
    }
