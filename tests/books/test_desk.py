"""Books are spoken block by block, and go on where they were."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ray_pipeline.audio.provenance import provenance_in, tags_in
from ray_pipeline.books.book import Block, Book, BookFolder, BookState, Chapter, Manner
from ray_pipeline.books.desk import Books
from ray_pipeline.core.errors import Conflict, InvalidInput, NotFound, Unavailable, VoiceDisabled
from ray_pipeline.speaking.order import Finished, Part, PieceEnd, Sound, SpeechOrder, Started

MANNER = Manner(
    voice_id="id-anna",
    spoken_name="anna@2",
    base_model="mini",
    gpt="g",
    sovits="s",
    key="k",
    reference="",
    mode="en",
    settings={"speed": 1.5},
)


def book(*chapters: list[str], name: str = "b1", **more: object) -> Book:
    values: dict[str, object] = {"format": "wav", "title": "A tale"} | more
    blocks = [
        Chapter(
            title=f"Chapter {number}",
            blocks=[Block(text=text, seed=len(text)) for text in texts] + [Block(silence=0.5)],
        )
        for number, texts in enumerate(chapters)
    ]
    return Book(
        book_id=name,
        voice="anna@2",
        seed=7,
        created_at=datetime(2026, 11, 29, tzinfo=UTC),
        manners=[MANNER],
        chapters=blocks,
        **values,  # type: ignore[arg-type]
    )


class Speaker:
    """A tenth of a second of sound for each letter, as loud as the seed says. `before` is called
    with each text before it is said."""

    def __init__(self, before: Callable[[str], None] = lambda text: None) -> None:
        self.before = before
        self.said: list[str] = []
        self.closed = 0

    def __call__(self, order: SpeechOrder) -> Iterator[Part]:
        self.before(order.text)
        assert order.settings.speed == 1.5
        try:
            yield Started(1, [])
            level = order.settings.seed / 100
            yield Sound(0, np.full(3200 * len(order.text), level, dtype=np.float32))
            word = {"word": order.text, "start": 0.05, "end": 0.1}
            yield PieceEnd(0, order.text, 0.1 * len(order.text), 1, 1, facts={"words": [word]})
            yield Finished(0.1, 1, "")
            self.said.append(order.text)
        finally:
            self.closed += 1


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Callable[..., Books]]:
    made: list[Books] = []

    def make(speak: Callable[..., Iterator[Part]], *more: Callable[[str], object]) -> Books:
        books = Books(tmp_path, speak, *more)
        books.begin()
        made.append(books)
        return books

    yield make
    for books in made:
        books.close()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def state(books: Books, name: str = "b1") -> BookState:
    return books.shelf.of(name).progress().state


def test_a_book_becomes_a_file_a_chapter_and_one_of_all(
    desk: Callable[..., Books], tmp_path: Path
) -> None:
    books, made = desk(Speaker()), book(["One", "Three"], ["Six."])
    books.start(made)
    until(lambda: state(books) is BookState.DONE)
    folder = books.shelf.of("b1")
    first, rate = soundfile.read(folder.chapter_file(made, 0), dtype="float32")
    assert rate == 32_000
    assert len(first) == 3200 * 8 + 16_000
    assert first[0] == pytest.approx(0.03, abs=1e-4)
    assert first[3200 * 3] == pytest.approx(0.05, abs=1e-4)
    assert soundfile.info(folder.chapter_file(made, 1)).frames == 3200 * 4 + 16_000
    whole = soundfile.info(folder.chapter_file(made, None)).duration
    assert whole == pytest.approx(0.8 + 0.5 + 1.5 + 0.4 + 0.5)
    told = provenance_in(tags_in(folder.chapter_file(made, 0)))
    assert told == {
        "generator": "gpt-sovits-ray",
        "voices": ["anna@2"],
        "models": ["mini"],
        "seed": 7,
    }
    progress = folder.progress()
    assert (progress.done_blocks, progress.sound_seconds) == (5, pytest.approx(2.2))
    assert books.shelf.all() == [(made, progress)]


def test_who_comes_after_a_crash_says_only_what_is_not_there(
    desk: Callable[..., Books], tmp_path: Path
) -> None:
    stuck = threading.Event()

    def before(text: str) -> None:
        if text == "Three":
            stuck.wait(30)

    first = desk(Speaker(before))
    made = book(["One", "Three"], ["Six."])
    first.start(made)
    sound_of = BookFolder(tmp_path / "books" / "b1").sound_of
    until(lambda: sound_of(0).exists() and sound_of(3).exists())
    stat = sound_of(0).stat()
    first._closing.set()
    stuck.set()
    first.close()
    assert not sound_of(1).exists()
    assert first.shelf.of("b1").progress().state is BookState.RUNNING
    # A block whose facts were not written is said again, as one whose sound was not.
    BookFolder(tmp_path / "books" / "b1").facts_of(3).unlink()
    speaker = Speaker()
    second = desk(speaker)
    until(lambda: state(second) is BookState.DONE)
    assert sorted(speaker.said) == ["Six.", "Three"]
    assert sound_of(0).stat().st_mtime_ns == stat.st_mtime_ns
    assert second.shelf.of("b1").progress().done_blocks == 5


def test_a_service_that_is_away_is_waited_for(desk: Callable[..., Books]) -> None:
    away = [Unavailable("starting"), ConnectionError("cut")]

    def before(text: str) -> None:
        if away:
            raise away.pop()

    speaker = Speaker(before)
    books = desk(speaker)
    books.pause = lambda seconds: None  # type: ignore[method-assign]
    books.start(book(["One"]))
    until(lambda: state(books) is BookState.DONE)
    assert speaker.said == ["One"]


def test_what_cannot_go_on_fails_with_a_sentence_and_is_taken_up_again(
    desk: Callable[..., Books],
) -> None:
    gone = [True]

    def require_voice(voice_id: str) -> None:
        assert voice_id == "id-anna@2"
        if gone[0]:
            raise VoiceDisabled("The voice anna was taken out of use: she said no.")

    books = desk(Speaker(), require_voice)
    books.start(book(["One", "Three"]))
    until(lambda: state(books) is BookState.FAILED)
    assert "she said no" in books.shelf.of("b1").progress().problem
    gone[0] = False
    books.resume("b1")
    until(lambda: state(books) is BookState.DONE)
    assert books.shelf.of("b1").progress().problem == ""
    with pytest.raises(Conflict, match="is spoken"):
        books.resume("b1")


def test_a_fault_of_the_program_ends_the_book_after_some_tries(
    desk: Callable[..., Books],
) -> None:
    tries: list[str] = []

    def before(text: str) -> None:
        tries.append(text)
        raise ZeroDivisionError

    books = desk(Speaker(before))
    books.pause = lambda seconds: None  # type: ignore[method-assign]
    books.start(book(["One"]))
    until(lambda: state(books) is BookState.FAILED)
    assert (
        "Block 1 could not be said (ZeroDivisionError)" in books.shelf.of("b1").progress().problem
    )
    assert len(tries) == 3


def test_what_nobody_can_say_is_left_out_and_told(desk: Callable[..., Books]) -> None:
    def before(text: str) -> None:
        if text == "???a":
            raise InvalidInput("Nothing of the text can be read aloud.")

    books = desk(Speaker(before))
    books.start(book(["One", "???a"]))
    until(lambda: state(books) is BookState.DONE)
    assert books.shelf.of("b1").progress().left_out == ["???a"]


def test_a_cancelled_book_ends_what_is_being_said_and_a_deleted_one_is_gone(
    desk: Callable[..., Books], tmp_path: Path
) -> None:
    begun = threading.Event()

    def speak(order: SpeechOrder) -> Iterator[Part]:
        begun.set()
        while True:
            time.sleep(0.01)
            yield Sound(0, np.zeros(10, dtype=np.float32))

    books = desk(speak)
    books.start(book(["One"]))
    begun.wait(30)
    assert books.cancel("b1").state is BookState.CANCELLED
    books.start(book(["Two"], name="b2"))
    books.delete("b1")
    until(lambda: state(books, "b2") is BookState.RUNNING)
    with pytest.raises(NotFound, match="no book"):
        books.shelf.of("b1")
    for name in ("../books/b2", "", ".."):
        with pytest.raises(NotFound):
            books.shelf.of(name)
    books.cancel("b2")


def test_what_was_not_wholly_kept_is_removed_at_the_start(
    desk: Callable[..., Books], tmp_path: Path
) -> None:
    half = tmp_path / "books" / "half"
    half.mkdir(parents=True)
    (half / "state.json").write_text(json.dumps({}))
    desk(Speaker())
    assert not half.exists()
