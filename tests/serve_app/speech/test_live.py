"""Text in, sound out, over a WebSocket."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import ClientConnection, connect

from ray_pipeline.core.voices import VoiceRecord
from ray_pipeline.text.sentences import MAX_WAITING, Sentences
from tests.audio.test_encoding import decoded
from tests.serve_app.speech.conftest import MakeUrl

pytestmark = pytest.mark.slow


def talk(url: str) -> ClientConnection:
    return connect(url.replace("http", "ws") + "/api/v1/speech/stream")


def say(socket: ClientConnection, **fields: Any) -> None:
    socket.send(json.dumps(fields))


def heard(socket: ClientConnection) -> tuple[list[dict[str, Any]], bytes]:
    """Until the connection is closed."""
    told, sound = [], b""
    with suppress(ConnectionClosedError):
        while True:
            message = socket.recv(timeout=60)
            if isinstance(message, str):
                told.append(json.loads(message))
            else:
                sound += message
            if told and told[-1]["type"] in ("done", "error"):
                break
    return told, sound


def test_sentences_are_spoken_while_the_text_still_comes(speech_url: str) -> None:
    with talk(speech_url) as socket:
        say(socket, voice="anna", response_format="pcm", seed=5)
        started = json.loads(socket.recv(timeout=20))
        assert started == {
            "type": "started",
            "voice": "anna@1",
            "seed": 5,
            "sample_rate": 24000,
        }
        for bit in ("Good mor", "ning. How a", "re "):
            say(socket, text=bit)
        assert json.loads(socket.recv(timeout=20))["text"] == "Good morning."
        assert isinstance(socket.recv(timeout=60), bytes)  # nobody has said how it goes on
        say(socket, text="you? ---\n")
        say(socket, text="Bye", end=True)
        told, sound = heard(socket)
    kinds = [event["type"] for event in told]
    assert kinds == ["sentence", "sentence", "skipped", "sentence", "done"]
    assert [event["text"] for event in told[:-1]] == ["How are you?", "---", "---", "Bye"]
    assert len(told[-1]["digests"]) == 3
    assert told[-1]["seconds"] > len(sound) / 2 / 24000 > 0.1


def test_all_sentences_are_one_file(speech_url: str) -> None:
    with talk(speech_url) as socket:
        say(socket, voice="anna", response_format="mp3")
        say(socket, text="One is here. Two are there. And three.", end=True)
        told, sound = heard(socket)
    assert len(decoded(sound, "mp3")) / 32000 == pytest.approx(told[-1]["seconds"], abs=0.11)


@pytest.mark.parametrize(
    ("messages", "said"),
    [
        (["hello"], "no JSON object"),
        ([{"voice": "bob"}], "There are: anna, speaker."),
        ([{"voice": "anna", "input": "x"}], "input"),
        ([{"voice": "anna"}, {"words": "x"}], "cannot be followed"),
        ([{"voice": "anna"}, {"end": True}, {"text": "x"}], "cannot be followed"),
    ],
)
def test_what_cannot_be_done_is_told(speech_url: str, messages: list[Any], said: str) -> None:
    with talk(speech_url) as socket:
        for message in messages:
            socket.send(message if isinstance(message, str) else json.dumps(message))
        told, _ = heard(socket)
    if messages[-1] != {"text": "x"}:  # nothing was said, so it may have been over before
        assert told[-1]["type"] == "error"
        assert said in told[-1]["message"]


def test_who_leaves_frees_what_was_being_made(serve: MakeUrl, anna: VoiceRecord) -> None:
    url, app = serve()
    with talk(url) as socket:
        say(socket, voice="anna", response_format="pcm")
        say(socket, text="One is here. " * 30)
        while isinstance(socket.recv(timeout=60), str):
            pass
    engine, _ = app.state.speech.speaker._made.result()
    deadline = time.monotonic() + 5
    while engine.stats().active_requests and time.monotonic() < deadline:
        time.sleep(0.02)
    assert engine.stats().active_requests == 0


def test_sentences_end_where_people_end_them() -> None:
    found, sentences = [], Sentences()
    for letter in 'Dr. A. Smith paid 3.50 for it. "Why?" Nobody knows! 你好。再见！\nSo':
        found += sentences.feed(letter)
    assert found == [
        "Dr. A. Smith paid 3.50 for it.",
        '"Why?"',
        "Nobody knows!",
        "你好。",
        "再见！",
    ]
    assert sentences.flush() == ["So"]
    assert sentences.flush() == []


def test_text_without_an_end_is_cut_at_a_blank() -> None:
    cut = Sentences().feed("word " * 200)
    assert len(cut) == 2
    assert all(len(piece) <= MAX_WAITING and not piece.endswith("wor") for piece in cut)
