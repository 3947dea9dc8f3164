"""Long texts over HTTP, with a voice of mini and an engine in this process."""

from __future__ import annotations

import asyncio
import io
import json
import queue
import threading
import time
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from ray_pipeline.books.desk import Books
from ray_pipeline.core.voices import VoiceRecord
from ray_pipeline.speaking.order import Part, SpeechOrder
from serve_app import cli
from serve_app.client import Client, ConflictError, InvalidInputError, NotFoundError
from serve_app.settings import Settings
from serve_app.speech.book_requests import BookRequest
from serve_app.speech.bookmaking import make_book
from serve_app.speech.choosing import Chooser
from serve_app.speech.speaker import LocalSpeaker
from tests.serve_app.local_coordinator import LocalCoordinator

TEXT = """A word before.

# One

It was a dark
night. Nobody came.

# Two

The end.
"""


class Bridge:
    """An engine with a loop of its own, for the threads that speak books."""

    def __init__(self, settings: Settings) -> None:
        self._speaker = LocalSpeaker(settings)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.orders: list[SpeechOrder] = []

    def __call__(self, order: SpeechOrder) -> Iterator[Part]:
        self.orders.append(order)
        parts: queue.SimpleQueue[Part | BaseException | None] = queue.SimpleQueue()

        async def run() -> None:
            try:
                async with aclosing(self._speaker.speak(order)) as speech:
                    async for part in speech:
                        parts.put(part)
                parts.put(None)
            except BaseException as error:
                parts.put(error)

        asyncio.run_coroutine_threadsafe(run(), self._loop)
        while (part := parts.get(timeout=60)) is not None:
            if isinstance(part, BaseException):
                raise part
            yield part

    def close(self) -> None:
        self._speaker.close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()


@pytest.fixture
def speaker(coordinator: LocalCoordinator, anna: VoiceRecord, tmp_path: Path) -> Iterator[Bridge]:
    bridge = Bridge(Settings(data_dir=tmp_path, models_dir=tmp_path / "models"))
    store = coordinator.store
    books = Books(tmp_path, bridge, lambda voice: store.resolve_voice(voice, 0))
    coordinator._parts.books = books
    books.begin()
    yield bridge
    books.close()
    bridge.close()


def done(client: Client, book_id: str) -> Any:
    deadline = time.monotonic() + 60
    while (book := client.book(book_id)).state in ("queued", "running"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return book


def test_a_text_becomes_a_file_a_chapter_with_subtitles(
    client: TestClient, speaker: Bridge, tmp_path: Path
) -> None:
    mine = Client(http=client)
    begun = mine.start_book("A tale", "anna", TEXT, response_format="wav", seed=3)
    assert (begun.voice, begun.seed, begun.num_blocks) == ("anna@1", 3, 3)
    book = done(mine, begun.book_id)
    assert (book.state, book.problem) == ("done", "")
    assert [(chapter.title, chapter.is_done) for chapter in book.chapters] == [
        ("", True),
        ("One", True),
        ("Two", True),
    ]
    assert [order.text for order in sorted(speaker.orders, key=lambda o: o.settings.seed)] == [
        "A word before.",
        "One\nIt was a dark night. Nobody came.",
        "Two\nThe end.",
    ]
    whole, _ = soundfile.read(mine.download_book(book.book_id, tmp_path / "whole.wav"))
    one, rate = soundfile.read(mine.download_book(book.book_id, tmp_path / "1.wav", chapter=2))
    assert rate == 32_000
    assert len(whole) / rate == pytest.approx(book.sound_seconds + 2 * 1.5, abs=0.02)
    subtitles = mine.download_book_subtitles(
        book.book_id, tmp_path / "1.vtt", chapter=2, kind="vtt"
    ).read_text("utf-8")
    assert subtitles.startswith("WEBVTT")
    assert "dark" in subtitles
    listed = mine.download_book_subtitles(book.book_id, tmp_path / "words.json", kind="json")
    pieces = json.loads(listed.read_text("utf-8"))
    said = [word["word"] for piece in pieces for word in piece["words"]]
    assert said[:3] == ["A", "word", "before"]
    times = [time for piece in pieces for word in piece["words"] for time in word.values()]
    times = [time for time in times if isinstance(time, float)]
    assert times == sorted(times)
    assert times[-1] < len(whole) / rate
    assert [each.book_id for each in mine.books()] == [book.book_id]
    assert len(one) / rate < book.sound_seconds
    assert [chapter.num_blocks for chapter in book.chapters] == [1, 1, 1]
    block = client.get(f"/api/v1/books/{book.book_id}/blocks/2/audio")
    assert block.headers["content-type"] == "audio/flac"
    assert len(soundfile.read(io.BytesIO(block.content))[0]) == len(one)
    assert client.get(f"/api/v1/books/{book.book_id}/blocks/4/audio").status_code == 404
    # The same text again is the same sound.
    again = mine.start_book("A tale", "anna@1", TEXT, response_format="wav", seed=3)
    done(mine, again.book_id)
    same, _ = soundfile.read(mine.download_book(again.book_id, tmp_path / "again.wav"))
    assert np.array_equal(whole, same)
    assert mine.delete_book(book.book_id).message == "The book was deleted."
    with pytest.raises(NotFoundError):
        mine.book(book.book_id)


def test_what_cannot_be_a_book_is_refused_before_anything_is_kept(
    client: TestClient, speaker: Bridge
) -> None:
    mine = Client(http=client)
    for wrong in (
        {"text": "* * *"},
        {"text": ""},
        {"text": "Hello.", "chapters": [{"text": "Hello."}]},
        {"text": "<speak><b>no</b></speak>"},
        {"text": "Hello.", "latency": "fast"},
        {"text": "Hello.", "speed": 9},
    ):
        with pytest.raises(InvalidInputError):
            mine.start_book("A tale", "anna", **wrong)  # type: ignore[arg-type]
    with pytest.raises(NotFoundError):
        mine.start_book("A tale", "nobody", "Hello.")
    assert mine.books() == []
    book = mine.start_book("A tale", "anna", chapters=[{"title": "I", "text": "Hello."}])
    with pytest.raises(NotFoundError):
        mine.download_book(book.book_id, "x.mp3", chapter=2)
    done(mine, book.book_id)
    with pytest.raises(ConflictError):
        mine.resume_book(book.book_id)


def test_the_command_speaks_a_file_and_writes_what_it_became(
    url: str, speaker: Bridge, tmp_path: Path
) -> None:
    text = tmp_path / "tale.txt"
    text.write_text(TEXT, "utf-8")
    folder = tmp_path / "tale"
    command = ["--url", url, "books", "speak", "anna", str(text), "-o", str(folder)]
    told = CliRunner().invoke(cli.app, command)
    assert told.exit_code == 0, told.output
    names = sorted(path.name for path in folder.iterdir())
    assert names == sorted(
        f"{name}.{kind}" for name in ("01", "02", "03", "whole") for kind in ("mp3", "srt")
    )
    assert "Nobody came." in (folder / "02.srt").read_text("utf-8")


def test_directions_become_blocks_with_manners_of_their_own(
    coordinator: LocalCoordinator, anna: VoiceRecord, tmp_path: Path
) -> None:
    chooser = Chooser(Settings(data_dir=tmp_path, models_dir=tmp_path / "m"), coordinator.store)
    text = (
        "<speak>Wait. <break time='700ms'/> <prosody rate='slow'>Slowly.</prosody> Again.</speak>"
    )
    asked = BookRequest(title="T", voice="speaker", input=text, seed=5)
    book = make_book(chooser, asked, tmp_path)
    assert book.voice == "anna@1"
    [chapter] = book.chapters
    assert [(block.text, block.silence, block.manner) for block in chapter.blocks] == [
        ("Wait.", 0.0, 0),
        ("", 0.7, 0),
        ("Slowly.", 0.0, 1),
        ("Again.", 0.0, 2),
    ]
    order = book.order(chapter.blocks[2], tmp_path)
    assert order.settings.speed == pytest.approx(0.8)
    assert order.settings.seed == 1005
    assert order.files.gpt_path.exists()
    direct = chooser.choose(replace(asked.wanted_with("Slowly.")))
    assert order.files == direct.order.files
    assert order.reference == direct.order.reference
