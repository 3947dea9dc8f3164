"""Who speaks: an engine in this process, or (`remote.py`) the deployment `Voices`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Protocol

from ray_pipeline.core.errors import BackendMissing
from ray_pipeline.speaking.marking import marked
from ray_pipeline.speaking.order import Part, SpeechOrder
from serve_app.settings import Settings

if TYPE_CHECKING:
    from ray_pipeline.audio.watermark import Watermark
    from ray_pipeline.speaking.engine import SpeechEngine

    _Made = tuple[SpeechEngine, Watermark | None]

_log = logging.getLogger(__name__)


class Speaker(Protocol):
    def speak(self, order: SpeechOrder) -> AsyncGenerator[Part]:
        """As `SpeechEngine.speak`, and with its errors: closing it frees what it holds."""
        ...

    async def check(self, order: SpeechOrder) -> None:
        """As `SpeechEngine.check`."""
        ...

    async def stats(self) -> dict[str, Any]:
        """Those of `EngineStats`, by name."""
        ...


def make_engine(settings: Settings) -> SpeechEngine:
    """Takes seconds the first time: PyTorch is imported."""
    import torch

    from ray_pipeline.speaking.engine import SpeechEngine
    from ray_pipeline.speaking.limits import EngineLimits
    from ray_pipeline.speaking.listening import recogniser

    torch.set_num_threads(settings.speech_threads)
    limits = EngineLimits(
        max_requests=settings.speech_max_requests,
        max_rows=settings.speech_max_rows,
        no_gaps=settings.speech_no_gaps,
        voice_bytes=settings.speech_voice_mb * 1_000_000,
        idle_seconds=settings.speech_idle_seconds,
    )
    use_gpu = settings.speech_gpus > 0
    hear = recogniser(settings.models_dir, use_gpu=use_gpu, num_threads=settings.speech_threads)
    device = "cuda" if use_gpu else "cpu"
    return SpeechEngine(settings.models_dir, device, limits, hear=hear)


class LocalSpeaker:
    """An engine that is made when the first order comes. Its speech has the watermark, if the
    settings say so."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._made: asyncio.Task[_Made] | None = None
        self._marking = asyncio.Lock()

    async def speak(self, order: SpeechOrder) -> AsyncGenerator[Part]:
        engine, mark = await self._engine()
        speech = engine.speak(order)
        if mark is not None:
            speech = marked(speech, mark, self._marking)
        async with aclosing(speech) as parts:
            async for part in parts:
                yield part

    async def check(self, order: SpeechOrder) -> None:
        engine, _ = await self._engine()
        await engine.check(order)

    async def stats(self) -> dict[str, Any]:
        if self._made is None:
            return {}
        engine, _ = await self._engine()
        return asdict(engine.stats())

    def close(self) -> None:
        if self._made is not None and _is_there(self._made):
            engine, _ = self._made.result()
            engine.close()

    async def _engine(self) -> _Made:
        if self._made is None or (self._made.done() and not _is_there(self._made)):
            making = asyncio.to_thread(_make, self._settings)
            self._made = asyncio.create_task(making)
        # Who leaves meanwhile takes it from nobody else.
        return await asyncio.shield(self._made)


def _make(settings: Settings) -> _Made:
    mark = make_watermark(settings)  # first: what it raises leaves no engine behind
    return make_engine(settings), mark


def make_watermark(settings: Settings) -> Watermark | None:
    """Raises BackendMissing where it must be there and is not."""
    from ray_pipeline.audio.watermark import PACKAGE, load_watermark

    if settings.speech_watermark == "off":
        return None
    mark = load_watermark()
    if mark is None and settings.speech_watermark == "on":
        raise BackendMissing(
            f"Speech must have a watermark, and {PACKAGE} is not installed.",
            hint=f"pip install {PACKAGE}, or set GSV_SPEECH_WATERMARK to auto or off.",
        )
    if mark is None:
        _log.warning("speech has no watermark: %s is not installed", PACKAGE)
    return mark


def _is_there(made: asyncio.Task[_Made]) -> bool:
    return made.done() and not made.cancelled() and made.exception() is None
