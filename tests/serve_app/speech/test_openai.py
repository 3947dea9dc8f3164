"""The real client of OpenAI, on real HTTP."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import httpx
import numpy as np
import openai
import pytest

from ray_pipeline.core.voices import VoiceRecord
from ray_pipeline.speaking.order import Part, Sound, SpeechOrder, Started
from serve_app.speech.speaker import Speaker
from tests.audio.test_encoding import decoded
from tests.serve_app.conftest import MakeClient
from tests.serve_app.speech.conftest import MakeUrl

pytestmark = pytest.mark.slow

HTTP = httpx.Client(timeout=120)  # a busy machine
KEY = "0123456789abcdef0123"
TEXT = "Hello there. Printing is an old art."


def sdk(url: str, key: str = "none", **more: Any) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0, **more)


def events_of(body: str) -> list[dict[str, Any]]:
    return [json.loads(block.removeprefix("data: ")) for block in body.split("\n\n") if block]


class Halting:
    """Speaks with another's engine, and has the listener wait for ever after the first sound."""

    def __init__(self, inside: Speaker) -> None:
        self._inside = inside

    async def speak(self, order: SpeechOrder) -> AsyncGenerator[Part]:
        async with aclosing(self._inside.speak(order)) as parts:
            async for part in parts:
                yield part
                if isinstance(part, Sound):
                    await asyncio.Event().wait()


def test_every_format_is_what_its_client_expects(speech_url: str) -> None:
    speak = sdk(speech_url).audio.speech.create
    lengths = {}
    for name in ("mp3", "opus", "aac", "flac", "wav", "pcm"):
        answer = speak(
            model="tts-1", voice="anna", input=TEXT, response_format=name, extra_body={"seed": 1}
        )
        rate = int(answer.response.headers["x-sample-rate"])
        lengths[name] = len(decoded(answer.content, name)) / rate
        assert answer.response.headers["x-voice"] == "anna@1"
        assert answer.response.headers["x-seed"] == "1"
    assert lengths["wav"] > 0.5
    for seconds in lengths.values():
        assert seconds == pytest.approx(lengths["wav"], abs=0.11)


def test_sync_async_and_streamed_say_the_same(speech_url: str) -> None:
    asked: dict[str, Any] = {
        "model": "gpt-4o-mini-tts",
        "voice": "anna",
        "input": TEXT,
        "response_format": "pcm",
        "extra_body": {"seed": 7},
    }
    whole = sdk(speech_url).audio.speech.create(**asked).content
    with sdk(speech_url).audio.speech.with_streaming_response.create(**asked) as answer:
        streamed = b"".join(answer.iter_bytes())

    async def awaited() -> bytes:
        async with openai.AsyncOpenAI(base_url=f"{speech_url}/v1", api_key="none") as client:
            return (await client.audio.speech.create(**asked)).content

    assert whole
    assert whole == streamed == asyncio.run(awaited())


def test_events_carry_the_sound_and_close_with_its_digest(speech_url: str) -> None:
    with sdk(speech_url).audio.speech.with_streaming_response.create(
        model="tts-1",
        voice="anna@1",
        input=TEXT,
        response_format="wav",
        stream_format="sse",
        extra_body={"seed": 7},
    ) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        *deltas, done = events_of("".join(answer.iter_text()))
    assert {event["type"] for event in deltas} == {"speech.audio.delta"}
    sound = b"".join(base64.b64decode(event["audio"]) for event in deltas)
    wav = decoded(sound, "wav")
    assert done["type"] == "speech.audio.done"
    assert done["usage"]["input_tokens"] == len(TEXT)
    assert done["usage"]["output_tokens"] > 0
    assert done["seconds"] == pytest.approx(len(wav) / 32000, abs=0.001)
    assert [piece["text"] for piece in done["pieces"]]
    words = [word for piece in done["pieces"] for word in piece["words"]]
    assert [word["word"].lower() for word in words] == re.findall("[a-z]+", TEXT.lower())
    times = [time for word in words for time in (word["start"], word["end"])]
    assert times == sorted(times)
    assert times[-1] <= done["seconds"]
    assert (done["voice"], done["seed"], done["attempts"]) == ("anna@1", 7, len(done["pieces"]))
    assert len(done["digest"]) == len(hashlib.sha256().hexdigest())


def test_all_at_once_has_a_length_and_what_is_known_at_the_end(speech_url: str) -> None:
    asked = {"voice": "anna", "input": TEXT, "response_format": "wav", "seed": 1}
    streamed = HTTP.post(f"{speech_url}/v1/audio/speech", json=asked)
    answer = HTTP.post(f"{speech_url}/v1/audio/speech", json=asked | {"stream": False})
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert int.from_bytes(answer.content[4:8], "little") == len(answer.content) - 8
    np.testing.assert_array_equal(decoded(answer.content, "wav"), decoded(streamed.content, "wav"))
    assert float(answer.headers["x-seconds"]) > 0.5
    assert answer.headers["x-problems"] == "0"


def test_a_voice_is_named_by_name_version_alias_or_id(speech_url: str) -> None:
    ask = {"input": "Hello.", "response_format": "pcm", "seed": 1}
    bodies = {
        HTTP.post(f"{speech_url}/v1/audio/speech", json=ask | {"voice": voice}).content
        for voice in ("anna", "anna@1", "speaker", {"id": "id-anna"}, {"id": "anna"})
    }
    assert len(bodies) == 1


def test_what_has_no_effect_is_said(speech_url: str) -> None:
    answer = sdk(speech_url).audio.speech.create(
        model="tts-1", voice="anna", input="Hello.", instructions="Whisper."
    )
    assert "`instructions` have no effect" in answer.response.headers["x-warning"]


def test_openais_own_voices_are_the_default_or_unknown(
    serve: MakeUrl, anna: VoiceRecord, speech_url: str
) -> None:
    ask = {"model": "tts-1", "voice": "alloy", "input": "Hello."}
    with pytest.raises(openai.NotFoundError) as caught:
        sdk(speech_url).audio.speech.create(**ask)
    assert "There are: anna, speaker." in caught.value.message
    url, _ = serve(default_voice="anna")
    assert sdk(url).audio.speech.create(**ask).response.headers["x-voice"] == "anna@1"


def test_models_and_voices_are_listed(speech_url: str) -> None:
    client = sdk(speech_url)
    assert {"tts-1", "tts-1-hd", "gpt-4o-mini-tts"} <= {model.id for model in client.models.list()}
    assert client.models.retrieve("tts-1").id == "tts-1"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("whisper-1")
    answer = HTTP.get(f"{speech_url}/v1/audio/voices").json()
    assert answer["voices"][0] == {"id": "anna", "name": "anna"}
    assert [voice["id"] for voice in answer["voices"]] == ["anna", "speaker"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"speed": 0.3}, "speed"),
        ({"speed": 5}, "speed"),
        ({"input": "x" * 4097}, "input"),
        ({"input": ""}, "input"),
        ({"input": "?!"}, None),
        ({"response_format": "ogg"}, "response_format"),
        ({"reference": "angry"}, "reference"),
        ({"dictionary": {"word": "NO PHONES"}}, "dictionary"),
        ({"lang": "en"}, "lang"),
    ],
)
def test_what_cannot_be_done_is_refused_with_its_field(
    speech_url: str, change: dict[str, Any], field: str | None
) -> None:
    body = {"voice": "anna", "input": "Hello.", **change}
    answer = HTTP.post(f"{speech_url}/v1/audio/speech", json=body)
    error = answer.json()["error"]
    assert answer.status_code == (404 if "reference" in change else 400)
    assert set(error) == {"message", "type", "param", "code"}
    assert error["type"] == "invalid_request_error"
    assert error["message"]
    if field:
        assert field in str(error["param"])


def test_every_refusal_has_openais_shape(
    make_client: MakeClient, serve: MakeUrl, anna: VoiceRecord
) -> None:
    url, app = serve(api_key=KEY)
    ask = {"model": "tts-1", "voice": "anna", "input": "Hello."}
    with pytest.raises(openai.AuthenticationError) as unknown:
        sdk(url, "wrong").audio.speech.create(**ask)
    assert unknown.value.code == "invalid_api_key"
    headers = {"Authorization": f"Bearer {KEY}"}
    for status, answer in {
        404: HTTP.get(f"{url}/v1/nothing", headers=headers),
        405: HTTP.get(f"{url}/v1/audio/speech", headers=headers),
        413: HTTP.post(
            f"{url}/v1/audio/speech", content=b"x" * 9_000_000, headers=headers, timeout=60
        ),
        400: HTTP.post(f"{url}/v1/audio/speech", content=b"{", headers=headers),
        415: HTTP.post(
            f"{url}/v1/audio/speech",
            content=b"x",
            headers=headers | {"Content-Encoding": "gzip"},
        ),
    }.items():
        assert answer.status_code == status
        assert set(answer.json()["error"]) == {"message", "type", "param", "code"}
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-request-id"]

    app.state.speech.chooser = None  # a bug, for once
    with pytest.raises(openai.InternalServerError) as broken:
        sdk(url, KEY).audio.speech.create(**ask)
    assert broken.value.type == "server_error"
    assert "incident" in broken.value.message


def test_a_disabled_voice_says_why(coordinator: Any, speech_url: str) -> None:
    coordinator.store.update_voice("anna", disabled_reason="Anna asked for it.")
    with pytest.raises(openai.APIStatusError) as caught:
        sdk(speech_url).audio.speech.create(model="tts-1", voice="anna", input="Hello.")
    assert caught.value.status_code == 410
    assert "Anna asked for it." in caught.value.message


def test_a_client_has_so_many_streams_and_gets_them_back(serve: MakeUrl, anna: VoiceRecord) -> None:
    url, app = serve(speech_per_client=1)
    inside = app.state.speech.speaker
    app.state.speech.speaker = Halting(inside)
    ask = {"voice": "anna", "input": TEXT * 4, "response_format": "pcm", "seed": 1}
    with HTTP.stream("POST", f"{url}/v1/audio/speech", json=ask) as first:
        chunks = first.iter_raw()
        next(chunks)
        answer = HTTP.post(f"{url}/v1/audio/speech", json=ask)
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) >= 1
        assert answer.json()["error"]["type"] == "rate_limit_error"
    engine, _ = inside._made.result()
    app.state.speech.speaker = inside
    deadline = time.monotonic() + 5
    while engine.stats().active_requests and time.monotonic() < deadline:
        time.sleep(0.02)
    # Who leaves gives back at once what was being made.
    assert engine.stats().active_requests == 0
    assert engine.stats().cancelled == 1
    assert HTTP.post(f"{url}/v1/audio/speech", json=ask | {"input": "Hello."}).status_code == 200


class Endless:
    """Speaks for ever, faster than anybody listens."""

    def __init__(self) -> None:
        self.ended = False

    async def speak(self, order: SpeechOrder) -> AsyncGenerator[Part]:
        try:
            yield Started(1, [])
            while True:
                yield Sound(0, np.zeros(32000, np.float32))
                await asyncio.sleep(0)
        finally:
            self.ended = True


def test_a_client_that_stops_reading_is_ended(serve: MakeUrl, anna: VoiceRecord) -> None:
    url, app = serve(speech_timeout_seconds=1, speech_per_client=1)
    app.state.speech.speaker = endless = Endless()
    ask = {"voice": "anna", "input": TEXT, "response_format": "pcm"}
    with HTTP.stream("POST", f"{url}/v1/audio/speech", json=ask) as answer:
        chunks = answer.iter_raw()
        next(chunks)
        deadline = time.monotonic() + 60
        while not endless.ended and time.monotonic() < deadline:
            time.sleep(0.05)
        assert endless.ended
        with HTTP.stream("POST", f"{url}/v1/audio/speech", json=ask) as other:
            assert other.status_code == 200  # its place is free
        with pytest.raises(httpx.RemoteProtocolError):
            for _ in chunks:
                pass


def test_speech_that_takes_too_long_is_given_up(serve: MakeUrl, anna: VoiceRecord) -> None:
    url, _ = serve()
    ask = {"voice": "anna", "input": TEXT * 40, "seed": 1, "stream": False}
    headers = {"X-Request-Timeout-Seconds": "0.001"}
    answer = HTTP.post(f"{url}/v1/audio/speech", json=ask, headers=headers)
    assert (answer.status_code, answer.json()["error"]["type"]) == (503, "server_error")
    headers = {"X-Request-Timeout-Seconds": "soon"}
    assert HTTP.post(f"{url}/v1/audio/speech", json=ask, headers=headers).status_code == 400
