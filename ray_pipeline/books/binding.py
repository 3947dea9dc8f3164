"""Blocks that are said become the file of a chapter, and chapters one file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import soundfile

from ray_pipeline.audio.encoding import make_encoder, wav_header
from ray_pipeline.audio.provenance import Provenance
from ray_pipeline.books.book import Book, BookFolder
from ray_pipeline.books.saying import said_before
from ray_pipeline.core.audio_format import SAMPLE_RATE, Waveform
from ray_pipeline.core.workspace import atomic_path

_SECONDS_BETWEEN_CHAPTERS = 1.5


def bind(book: Book, folder: BookFolder, chapter: int | None) -> None:
    """Write the file of a chapter (from 0), or of all (None), whose blocks are all there. Does
    nothing where it is there. Sound passes through a block at a time."""
    target = folder.chapter_file(book, chapter)
    if target.exists():
        return
    tags = _provenance(book, chapter).tags() | {"title": _title(book, chapter)}
    encoder = make_encoder(book.format, tags)
    num_samples = 0
    with atomic_path(target, durable=True) as partial:
        with partial.open("wb") as out:
            for wav in _sounds(book, folder, chapter):
                out.write(encoder.feed(wav))
                num_samples += len(wav)
            out.write(encoder.finish())
        if book.format == "wav":  # whose length stands before the sound
            with partial.open("rb+") as out:
                out.write(wav_header(SAMPLE_RATE, tags, num_samples))


def pieces_of(book: Book, folder: BookFolder, chapter: int | None) -> list[dict[str, Any]]:
    """The pieces of a chapter, or of all, with their times in its file; those that are there."""
    pieces: list[dict[str, Any]] = []
    at = 0.0
    for number in _chapters(book, chapter):
        first = book.first_block(number)
        for place in range(first, first + len(book.chapters[number].blocks)):
            said = said_before(folder, place)
            if said is None:
                return pieces
            pieces += [_later(piece, at) for piece in said.pieces]
            at += said.seconds
        at += _SECONDS_BETWEEN_CHAPTERS
    return pieces


def _later(piece: dict[str, Any], seconds: float) -> dict[str, Any]:
    """A piece, its words included, as it is in a file where its block begins at `seconds`."""
    words = [_moved(word, seconds) for word in piece.get("words", ())]
    return {**_moved(piece, seconds), "words": words}


def _moved(what: dict[str, Any], seconds: float) -> dict[str, Any]:
    times = {name: round(what[name] + seconds, 3) for name in ("start", "end")}
    return {**what, **times}


def _sounds(book: Book, folder: BookFolder, chapter: int | None) -> Iterator[Waveform]:
    wanted = _chapters(book, chapter)
    for number in wanted:
        first = book.first_block(number)
        for place in range(first, first + len(book.chapters[number].blocks)):
            wav, _ = soundfile.read(folder.sound_of(place), dtype="float32")
            yield wav
        if number != wanted[-1]:
            yield _silence()


def _silence() -> Waveform:
    import numpy as np

    return np.zeros(int(_SECONDS_BETWEEN_CHAPTERS * SAMPLE_RATE), dtype=np.float32)


def _chapters(book: Book, chapter: int | None) -> list[int]:
    return list(range(len(book.chapters))) if chapter is None else [chapter]


def _title(book: Book, chapter: int | None) -> str:
    if chapter is None:
        return book.title
    own = book.chapters[chapter].title
    return f"{book.title}: {own}" if own else f"{book.title}, {chapter + 1}"


def _provenance(book: Book, chapter: int | None) -> Provenance:
    blocks = [
        block for number in _chapters(book, chapter) for block in book.chapters[number].blocks
    ]
    manners = [book.manners[block.manner] for block in blocks if not block.silence]
    return Provenance(
        voices=list(dict.fromkeys(each.spoken_name for each in manners)),
        models=list(dict.fromkeys(each.base_model for each in manners)),
        seed=book.seed,
    )
