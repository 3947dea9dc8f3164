"""`speak` of both clients, and `gsv speak`."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from typer.testing import CliRunner

from serve_app.cli import app as gsv
from serve_app.client import AsyncClient, Client, InvalidInputError, NotFoundError, ServiceError
from serve_app.client.speech import _Events
from tests.audio.test_encoding import decoded

TEXT = "Hello there. Printing is an old art."


def test_speech_is_written_in_the_format_of_the_name(speech_url: str, tmp_path: Path) -> None:
    with Client(speech_url) as client:
        facts = client.speak("anna", TEXT, tmp_path / "a.wav", seed=3)
        streamed = b"".join(client.speak_stream("anna", TEXT, seed=3, response_format="wav"))

    async def awaited() -> dict[str, object]:
        async with AsyncClient(speech_url) as client:
            return await client.speak("anna", TEXT, tmp_path / "b.ogg", seed=3)

    assert asyncio.run(awaited())["digest"] == facts["digest"]
    assert (tmp_path / "a.wav").read_bytes() == streamed
    heard = decoded((tmp_path / "b.ogg").read_bytes(), "opus")
    assert len(heard) / 48000 == pytest.approx(facts["seconds"], abs=0.05)


def test_a_refusal_is_the_error_of_its_code(speech_url: str, tmp_path: Path) -> None:
    with Client(speech_url) as client:
        with pytest.raises(NotFoundError, match="no voice 'bob'"):
            client.speak("bob", TEXT, tmp_path / "a.wav")
        with pytest.raises(InvalidInputError):
            client.speak("anna", TEXT, tmp_path / "a.wav", speed=9)
        with pytest.raises(ValueError, match="no format"):
            client.speak("anna", TEXT, tmp_path / "a.txt")
    assert list(tmp_path.glob("a.*")) == []


def test_speech_that_broke_off_is_no_speech() -> None:
    events = _Events()
    assert events.feed('data: {"type": "speech.audio.delta", "audio": "AAAA"}') == b"\0\0\0"
    with pytest.raises(ServiceError, match="broke off"):
        events.require_end()
    with pytest.raises(ServiceError, match="in time"):
        events.feed('data: {"type": "error", "error": {"message": "not in time", "code": "x"}}')


def test_gsv_speak_writes_a_file_and_says_how_to(speech_url: str, tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    said = CliRunner().invoke(
        gsv, ["--url", speech_url, "speak", "anna", TEXT, "-o", str(path), "--set", "seed=3"]
    )
    assert said.exit_code == 0, said.output
    assert "anna@1" in said.output
    assert "seed 3" in said.output
    assert len(decoded(path.read_bytes(), "flac")) > 16000
    nowhere = CliRunner().invoke(gsv, ["--url", speech_url, "speak", "anna", TEXT])
    assert "Where to?" in str(nowhere.exception)
