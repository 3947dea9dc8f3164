"""The engine: takes orders of many clients at a time and gives each its stream of parts.

    engine = SpeechEngine(models_dir)
    async for part in engine.speak(order): ...
    engine.close()

    speak ── lease a voice ── read the text ── Decoding ── Sounding ── parts, in order
              (shelf, 2 threads) (1 thread)    (1 thread)  (2 threads)

Knows neither Ray nor HTTP. How and why: docs/design/speaking.md.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import asdict
from pathlib import Path
from typing import Self

import torch

from ray_pipeline.core.audio_format import SAMPLE_RATE
from ray_pipeline.core.errors import Busy, InvalidInput
from ray_pipeline.speaking.admission import promise_no_gaps
from ray_pipeline.speaking.counts import Counts, EngineStats
from ray_pipeline.speaking.decoding import Decoding
from ray_pipeline.speaking.limits import EngineLimits
from ray_pipeline.speaking.listening import Hear, Listening
from ray_pipeline.speaking.order import (
    Finished,
    Part,
    PieceEnd,
    Sound,
    SpeechOrder,
    Started,
    VoiceFiles,
)
from ray_pipeline.speaking.request import Request, Work
from ray_pipeline.speaking.shelf import LoadVoice, VoiceShelf
from ray_pipeline.speaking.sounding import Sounding
from ray_pipeline.speaking.speed import Speed
from ray_pipeline.voice.encoders import Encoders
from ray_pipeline.voice.speech import Reading, Voice
from ray_pipeline.voice.voice import load_voice


class SpeechEngine:
    """`hear` recognises what was said, for orders with `verify`; `listening.recogniser` makes one
    of a recogniser that is there. `load` replaces how a voice's files become a voice, for tests."""

    def __init__(
        self,
        models_dir: Path,
        device: str | torch.device = "cpu",
        limits: EngineLimits | None = None,
        *,
        load: LoadVoice | None = None,
        hear: Hear | None = None,
    ) -> None:
        self.limits = (limits or EngineLimits()).suited_to(device)
        self.encoders = Encoders(models_dir, device)
        self._counts = Counts()
        self._speed = Speed(num_rows=self.limits.num_together, num_lanes=self.limits.num_sounds)
        self._shelf = VoiceShelf(
            load or self._load,
            limit_bytes=self.limits.voice_bytes,
            idle_seconds=self.limits.idle_seconds,
        )
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="read-text")
        self._listening = Listening(self._counts, self._again, hear)
        self._sounding = Sounding(
            self._counts, self._speed, self._listening.put, num_threads=self.limits.num_sounds
        )
        self._decoding = Decoding(
            self._sounding.put,
            self._sounding.put,
            self._counts,
            self._speed,
            num_rows=self.limits.max_rows,
            num_together=self.limits.num_together,
            sweep=self._shelf.sweep,
        )
        self._num_inside = 0
        self._requests: set[Request] = set()
        self._began = time.monotonic()

    async def speak(self, order: SpeechOrder) -> AsyncGenerator[Part]:
        """Started, then for each piece its Sounds and its PieceEnd, then Finished. Closing the
        iterator frees all that the request holds.

        Raises Busy when the queue is full or playback would have gaps, InvalidInput for a text, a
        reference or a `start_piece` that cannot be used, what loading the voice raises, and what
        went wrong on the way.
        """
        self._enter(order)
        try:
            voice = await self._shelf.lease(order.files)
            try:
                async with aclosing(self._spoken(order, voice)) as parts:
                    async for part in parts:
                        yield part
            finally:
                self._shelf.release(order.files)
        except (GeneratorExit, asyncio.CancelledError):
            self._counts.cancelled += 1
            raise
        except Busy:
            self._counts.refused += 1
            raise
        except Exception:
            self._counts.failed += 1
            raise
        finally:
            self._num_inside -= 1

    async def check(self, order: SpeechOrder) -> None:
        """Read the text, so that what cannot be said is known before anything is. Raises as `speak`
        does."""
        voice = await self._shelf.lease(order.files)
        try:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._reader, _read, voice, order)
        finally:
            self._shelf.release(order.files)

    def stats(self) -> EngineStats:
        shelf = self._shelf.counts()
        return EngineStats(
            active_requests=self._num_inside,
            waiting_pieces=self._decoding.num_waiting,
            decoding_pieces=self._decoding.num_running,
            sounding_pieces=self._sounding.num_waiting,
            loaded_voices=shelf.num_voices,
            leased_voices=shelf.num_leased,
            voice_bytes=shelf.num_bytes,
            voice_loads=shelf.num_loads,
            **asdict(self._counts),
        )

    def close(self) -> None:
        """End the threads. Requests that are still spoken fail."""
        for request in list(self._requests):
            request.cancelled = True
            request.fail(RuntimeError("the engine was closed"))
        self._decoding.close()
        self._sounding.close()
        self._listening.close()
        self._reader.shutdown(wait=False, cancel_futures=True)
        self._shelf.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def _spoken(self, order: SpeechOrder, voice: Voice) -> AsyncGenerator[Part]:
        loop = asyncio.get_running_loop()
        arrived = time.monotonic()
        reading = await loop.run_in_executor(self._reader, _read, voice, order)
        if not 0 <= order.start_piece < len(reading.pieces):
            raise InvalidInput(
                f"There is no piece {order.start_piece}: the text has {len(reading.pieces)}.",
                hint="Pieces are counted from 0.",
                field="start_piece",
            )
        request = Request(order, voice, reading, arrived, loop)
        if self.limits.no_gaps and not order.promised:
            now = time.monotonic()
            there = [one.outlook(now) for one in self._requests]
            promise_no_gaps(there, request.outlook(now), self._speed.cost)
        self._requests.add(request)
        try:
            async with aclosing(self._parts(request)) as parts:
                async for part in parts:
                    yield part
                    request.heard(part)
        finally:
            request.cancelled = True
            self._requests.discard(request)
            self._decoding.wake()

    async def _parts(self, request: Request) -> AsyncGenerator[Part]:
        first, count = request.order.start_piece, request.num_pieces
        begun = first
        digest, num_samples = hashlib.sha256(), 0
        yield Started(count, request.reading.left_out)
        for number in range(first, count):
            while begun < min(count, number + self.limits.pieces_ahead):
                self._decoding.put(request.begin(begun))
                begun += 1
            ended = False
            while not ended:
                for part in await request.parts_of(number):
                    if isinstance(part, Sound):
                        digest.update(part.wav.astype("<f4", copy=False).tobytes())
                        num_samples += len(part.wav)
                    ended = isinstance(part, PieceEnd)
                    yield part
        yield Finished(num_samples / SAMPLE_RATE, count - first, digest.hexdigest())

    def _again(self, work: Work) -> None:
        self._decoding.put(work)

    def _enter(self, order: SpeechOrder) -> None:
        if self._num_inside >= self.limits.max_requests and not order.promised:
            self._counts.refused += 1
            raise Busy(
                f"{self._num_inside} requests are being spoken, and no more can wait.",
                hint="Try again when some of them are done.",
                retry_after_s=self._seconds_until_room(),
            )
        self._counts.requests += 1
        self._num_inside += 1

    def _seconds_until_room(self) -> int:
        """When the shortest of them will probably be done, at the speed so far."""
        remaining = [request.waiting_seconds() for request in list(self._requests)]
        speed = self._counts.sound_seconds / (time.monotonic() - self._began)
        shortest = min(remaining, default=1.0)
        return round(min(60.0, max(1.0, len(remaining) * shortest / max(speed, 0.1))))

    def _load(self, files: VoiceFiles) -> Voice:
        encoders = self.encoders
        return load_voice(
            files.gpt_path, files.sovits_path, encoders.models_dir, encoders.device, encoders
        )


def _read(voice: Voice, order: SpeechOrder) -> Reading:
    return voice.read(
        order.text, order.mode, order.reference, order.settings, dictionary=order.dictionary
    )
