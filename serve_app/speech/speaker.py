"""Who speaks: an engine in this process, or (`remote.py`) the deployment `Voices`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Protocol

from ray_pipeline.speaking.order import Part, SpeechOrder
from serve_app.settings import Settings

if TYPE_CHECKING:
    from ray_pipeline.speaking.engine import SpeechEngine


class Speaker(Protocol):
    def speak(self, order: SpeechOrder) -> AsyncGenerator[Part]:
        """As `SpeechEngine.speak`, and with its errors: closing it frees what it holds."""
        ...

    async def stats(self) -> dict[str, Any]:
        """Those of `EngineStats`, by name."""
        ...


def make_engine(settings: Settings) -> SpeechEngine:
    """Takes seconds the first time: PyTorch is imported."""
    import torch

    from ray_pipeline.speaking.engine import EngineLimits, SpeechEngine
    from ray_pipeline.speaking.listening import recogniser

    torch.set_num_threads(settings.speech_threads)
    limits = EngineLimits(
        max_requests=settings.speech_max_requests,
        max_rows=settings.speech_max_rows,
        voice_bytes=settings.speech_voice_mb * 1_000_000,
        idle_seconds=settings.speech_idle_seconds,
    )
    use_gpu = settings.speech_gpus > 0
    hear = recogniser(settings.models_dir, use_gpu=use_gpu, num_threads=settings.speech_threads)
    device = "cuda" if use_gpu else "cpu"
    return SpeechEngine(settings.models_dir, device, limits, hear=hear)


class LocalSpeaker:
    """An engine that is made when the first order comes."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._made: asyncio.Task[SpeechEngine] | None = None

    async def engine(self) -> SpeechEngine:
        if self._made is None or (self._made.done() and not _is_there(self._made)):
            making = asyncio.to_thread(make_engine, self._settings)
            self._made = asyncio.create_task(making)
        # Who leaves meanwhile takes it from nobody else.
        return await asyncio.shield(self._made)

    async def speak(self, order: SpeechOrder) -> AsyncGenerator[Part]:
        engine = await self.engine()
        async with aclosing(engine.speak(order)) as parts:
            async for part in parts:
                yield part

    async def stats(self) -> dict[str, Any]:
        if self._made is None:
            return {}
        return asdict((await self.engine()).stats())

    def close(self) -> None:
        if self._made is not None and _is_there(self._made):
            self._made.result().close()


def _is_there(made: asyncio.Task[SpeechEngine]) -> bool:
    return made.done() and not made.cancelled() and made.exception() is None
