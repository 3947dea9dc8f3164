"""Speech says that it is synthetic, in its file and, where the library is there, in its sound."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from ray_pipeline.audio import watermark
from ray_pipeline.audio.provenance import provenance_in, tags_in
from ray_pipeline.core.errors import BackendMissing
from ray_pipeline.speaking.marking import marked
from ray_pipeline.speaking.order import Finished, Part, PieceEnd, Sound, Started
from serve_app import cli
from serve_app.settings import Settings
from serve_app.speech.speaker import make_watermark
from tests.serve_app.local_coordinator import LocalCoordinator

pytestmark = pytest.mark.slow

HTTP = httpx.Client(timeout=120)


class Louder:
    """Stands for a watermark, which tests/audio/test_watermark.py tests."""

    def put(self, wav: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return wav + np.float32(0.25)


def settings_in(tmp_path: Path, **values: Any) -> Settings:
    return Settings(data_dir=tmp_path, models_dir=tmp_path / "models", **values)


def speak(url: str, path: Path, **body: Any) -> Path:
    request = {"voice": "anna", "input": "Hello.", "seed": 7, **body}
    answer = HTTP.post(
        f"{url}/v1/audio/speech", json={"response_format": path.suffix[1:], **request}
    )
    assert answer.status_code == 200, answer.text
    path.write_bytes(answer.content)
    return path


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("name", ["mp3", "wav", "aac"])
def test_a_file_tells_who_said_it(speech_url: str, tmp_path: Path, name: str, stream: bool) -> None:
    path = speak(speech_url, tmp_path / f"hello.{name}", stream=stream)
    assert provenance_in(tags_in(path)) == {
        "generator": "gpt-sovits-ray",
        "voices": ["anna@1"],
        "models": ["mini"],
        "seed": 7,
    }


def test_speech_of_several_voices_tells_them_all(
    speech_url: str, coordinator: LocalCoordinator, tmp_path: Path
) -> None:
    text = "Hello. <voice name='anna@1'>Me too.</voice>"
    path = speak(speech_url, tmp_path / "two.flac", input=f"<speak>{text}</speak>")
    found = provenance_in(tags_in(path))
    assert found is not None
    assert found["voices"] == ["anna@1"]


def test_the_route_and_the_command_tell_synthetic_files(
    client: TestClient, speech_url: str, tmp_path: Path
) -> None:
    path = speak(speech_url, tmp_path / "hello.mp3")
    answer = client.post("/api/v1/detect", files={"file": ("hello.mp3", path.read_bytes())})
    assert answer.status_code == 200, answer.text
    assert answer.json()["is_synthetic"] is True
    assert answer.json()["metadata"]["voices"] == ["anna@1"]
    told = CliRunner().invoke(cli.app, ["detect", str(path)])
    assert told.exit_code == 0
    assert "voices anna@1" in told.stdout
    plain = speak(speech_url, tmp_path / "hello.pcm")
    nothing = client.post("/api/v1/detect", files={"file": ("a.txt", plain.read_bytes()[:99])})
    assert nothing.status_code == 422
    assert nothing.json()["field"] == "file"
    assert client.post("/api/v1/detect", files={"other": ("a.wav", b"x")}).status_code == 422


def test_sounds_are_marked_one_by_one_and_the_digest_is_of_what_is_heard() -> None:
    wavs = [np.full(10, value, dtype=np.float32) for value in (0.1, 0.2)]

    async def speech() -> AsyncGenerator[Part]:
        yield Started(1, [])
        for wav in wavs:
            yield Sound(0, wav)
        yield PieceEnd(0, "Hi.", 1, 2, 1, facts={"ended": True})
        yield Finished(1.0, 1, "of the unmarked")

    async def collect() -> list[Part]:
        return [part async for part in marked(speech(), Louder(), asyncio.Lock())]  # type: ignore[arg-type]

    parts = asyncio.run(collect())
    heard = np.concatenate([part.wav for part in parts if isinstance(part, Sound)])
    assert np.allclose(heard, np.concatenate(wavs) + 0.25)
    assert isinstance(parts[-1], Finished)
    assert parts[-1].digest == hashlib.sha256(heard.astype("<f4").tobytes()).hexdigest()
    assert isinstance(parts[-2], PieceEnd)
    assert parts[-2].facts == {"ended": True, "watermark": True}


def test_without_the_library_it_is_said_once_and_spoken_unless_it_must_be_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(watermark, "is_installed", lambda: False)
    with caplog.at_level(logging.WARNING):
        assert make_watermark(settings_in(tmp_path)) is None
    assert "resemble-perth is not installed" in caplog.text
    caplog.clear()
    assert make_watermark(settings_in(tmp_path, speech_watermark="off")) is None
    assert not caplog.text
    with pytest.raises(BackendMissing, match="must have a watermark"):
        make_watermark(settings_in(tmp_path, speech_watermark="on"))


def test_speech_of_the_service_has_the_mark(
    serve: Callable[..., Any], anna: object, tmp_path: Path
) -> None:
    if not watermark.is_installed():
        pytest.skip("resemble-perth is not installed, so speech has no watermark")
    from ray_pipeline.audio.detecting import detect

    url, _ = serve()
    text = "Printing is an old art, and everybody who reads this knows what it is good for."
    found = detect(speak(url, tmp_path / "hello.mp3", input=text))
    assert found.watermark is True
    assert found.marked_seconds == found.judged_seconds
    off, _ = serve(speech_watermark="off")
    assert detect(speak(off, tmp_path / "off.mp3", input=text)).watermark is False
