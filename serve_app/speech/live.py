"""A conversation spoken: text comes in bits over a WebSocket, sound goes out as it is made.

    → {"voice": "anna", "response_format": "pcm"}     first: fields of /v1/audio/speech, no input
    ← {"type": "started", "voice": "anna@1", "seed": 5, "sample_rate": 24000}
    → {"text": "Good mor"}  → {"text": "ning. How "}  sentences are spoken when they are complete
    ← {"type": "sentence", "text": "Good morning."}   then its sound, as binary messages
    → {"flush": true}                                 speak what is left now; then more may come
    → {"end": true}
    ← {"type": "done", "seconds": 2.1, …}             and the connection is closed

A sentence of which nothing can be said is told as {"type": "skipped", "text", "message"}; what
cannot be done as {"type": "error", "message", "code"}, which ends the connection.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import replace
from typing import Any

from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from pydantic import ConfigDict, Field, ValidationError

from ray_pipeline.audio.encoding import FORMATS, make_encoder
from ray_pipeline.core.errors import InvalidInput, PipelineError
from ray_pipeline.core.speech import NUM_SEEDS
from ray_pipeline.speaking.order import Part, PieceEnd, Sound
from ray_pipeline.text.sentences import Sentences
from serve_app.errors import unexpected_problem
from serve_app.haproxy import client_address
from serve_app.speech.account import Account
from serve_app.speech.choosing import Chosen, malformed, tags_of
from serve_app.speech.openai_schemas import MAX_INPUT, SpeechRequest
from serve_app.speech.service import SpeechDep, SpeechService
from serve_app.speech.trials import Listener

router = APIRouter(tags=["speech"])

# Sentences that may wait for their turn; who sends more waits.
_MOST_WAITING = 50
_NORMAL, _POLICY_VIOLATION, _TRY_LATER = 1000, 1008, 1013
# Sentences of a conversation that are made beside each other: one is heard, the next is ready.
_AHEAD = 2
_SEEDS_APART = 1000
_FIELDS = {"text", "flush", "end"}


class _Begin(SpeechRequest):
    """As a request without a text."""

    model_config = ConfigDict(extra="forbid")

    input: str = Field("", max_length=0, description="comes later")


@router.get("/speech/stats")
async def get_speech_stats(service: SpeechDep) -> dict[str, Any]:
    """What the engine does now and has done: requests, pieces, voices and their bytes. Empty
    before anybody spoke. With several engines, of one of them."""
    return await service.speaker.stats()


@router.websocket("/speech/stream")
async def stream_speech(websocket: WebSocket, service: SpeechDep) -> None:
    await websocket.accept()
    talk = _Talk(websocket, service)
    try:
        await talk.run()
        await websocket.close(_NORMAL)
    except WebSocketDisconnect:
        pass
    except PipelineError as error:
        await _refuse(websocket, str(error), error.code)
    except Exception as error:
        told = json.loads(bytes(unexpected_problem(error).body))
        await _refuse(websocket, told["detail"], "internal")


async def _refuse(websocket: WebSocket, message: str, code: str) -> None:
    with suppress(RuntimeError, WebSocketDisconnect):
        await websocket.send_json({"type": "error", "message": message, "code": code})
        await websocket.close(_TRY_LATER if code in ("busy", "unavailable") else _POLICY_VIOLATION)


class _Sentence:
    """Is being made while those before it are heard."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.parts: asyncio.Queue[Part | None] = asyncio.Queue()
        self.refusal = ""

    async def make(self, parts: AsyncGenerator[Part]) -> None:
        """What cannot be said, such as a row of dashes, ends no conversation."""
        try:
            async with aclosing(parts):
                async for part in parts:
                    self.parts.put_nowait(part)
        except InvalidInput as error:
            self.refusal = str(error)
        self.parts.put_nowait(None)


class _Talk:
    def __init__(self, websocket: WebSocket, service: SpeechService) -> None:
        self._socket = websocket
        self._service = service
        self._texts: asyncio.Queue[str | None] = asyncio.Queue(_MOST_WAITING)
        self._sentences: asyncio.Queue[_Sentence | None] = asyncio.Queue()
        self._ahead = asyncio.Semaphore(_AHEAD)
        self._listener = Listener()

    async def run(self) -> None:
        """Until all is said. Raises WebSocketDisconnect, and what goes wrong."""
        begin = await self._begin()
        chosen = await self._service.choose(begin.wanted())
        rate = FORMATS[begin.response_format].rate
        seed = chosen.order.settings.seed
        await self._socket.send_json(
            {"type": "started", "voice": chosen.spoken_name, "seed": seed, "sample_rate": rate}
        )
        try:
            with self._service.gate.place(client_address(self._socket.scope)):
                async with asyncio.TaskGroup() as group:
                    reading = group.create_task(self._read())
                    making = group.create_task(self._make(chosen, group))
                    await self._send_all(chosen, begin.response_format)
                    reading.cancel()
                    making.cancel()
        except BaseExceptionGroup as several:
            error = several.exceptions[0]
            self._count(chosen, error)
            raise error from None
        self._count(chosen)

    def _count(self, chosen: Chosen, error: BaseException | None = None) -> None:
        """The conversation as one request; its silences are those of who writes."""
        if chosen.tried is not None:
            left = isinstance(error, WebSocketDisconnect | asyncio.CancelledError)
            broken = error if isinstance(error, Exception) and not left else None
            self._service.trials.ended(chosen.tried, self._listener, broken, left=left)

    async def _begin(self) -> _Begin:
        told = await self._message()
        try:
            return _Begin.model_validate(told)
        except ValidationError as error:
            raise malformed(
                error,
                hint="The first message has the fields of POST /v1/audio/speech, without input.",
            ) from None

    async def _message(self) -> dict[str, Any]:
        text = await self._socket.receive_text()
        with suppress(ValueError):
            told = json.loads(text)
            if isinstance(told, dict):
                return told
        raise InvalidInput(
            f"{text[:80]!r} is no JSON object.", hint='Send text as {"text": "Good morning."}.'
        )

    async def _read(self) -> None:
        """What the client says. Goes on after the end of the text, to notice that it leaves."""
        sentences, is_over = Sentences(), False
        while True:
            told = await self._message()
            text = told.get("text", "")
            is_text = isinstance(text, str) and len(text) <= MAX_INPUT
            if not is_text or set(told) - _FIELDS or is_over:
                raise InvalidInput(
                    "That message cannot be followed.",
                    hint=f"Messages have `text` of at most {MAX_INPUT} characters, `flush` or "
                    "`end`; none comes after `end`.",
                    field="text",
                )
            found = sentences.feed(text)
            if told.get("flush") or told.get("end"):
                found += sentences.flush()
            for sentence in found:
                await self._texts.put(sentence)
            if told.get("end"):
                is_over = True
                await self._texts.put(None)

    async def _make(self, chosen: Chosen, group: asyncio.TaskGroup) -> None:
        """Have each sentence spoken, the next while one is heard."""
        number = 0
        while (text := await self._texts.get()) is not None:
            await self._ahead.acquire()
            sentence = _Sentence(text)
            seed = (chosen.order.settings.seed + number * _SEEDS_APART) % NUM_SEEDS
            settings = chosen.order.settings.model_copy(update={"seed": seed})
            # Who was let in with the first is not refused in the middle of what is told.
            order = replace(chosen.order, text=text, settings=settings, promised=number > 0)
            group.create_task(sentence.make(self._service.speak_on(order)))
            self._sentences.put_nowait(sentence)
            number += 1
        self._sentences.put_nowait(None)

    async def _send_all(self, chosen: Chosen, sound_format: str) -> None:
        """One file of the format, in which the sentences follow each other."""
        encoder = make_encoder(sound_format, tags_of([chosen]))
        facts: list[dict[str, Any]] = []
        while (sentence := await self._sentences.get()) is not None:
            await self._socket.send_json({"type": "sentence", "text": sentence.text})
            account = Account()
            while (part := await sentence.parts.get()) is not None:
                account.hear(part)
                if isinstance(part, PieceEnd):
                    self._listener.hear(part)
                if isinstance(part, Sound):
                    await self._send(await asyncio.to_thread(encoder.feed, part.wav))
            self._ahead.release()
            if sentence.refusal:
                told = {"type": "skipped", "text": sentence.text, "message": sentence.refusal}
                await self._socket.send_json(told)
                continue
            facts.append(account.facts(chosen))
        await self._send(await asyncio.to_thread(encoder.finish))
        await self._socket.send_json(
            {
                "type": "done",
                "seconds": round(sum(each["seconds"] for each in facts), 3),
                "digests": [each["digest"] for each in facts],
                "problems": [problem for each in facts for problem in each["problems"]],
            }
        )

    async def _send(self, sound: bytes) -> None:
        if sound:
            # Who takes nothing any more is gone.
            async with asyncio.timeout(self._service.settings.speech_timeout_seconds):
                await self._socket.send_bytes(sound)
