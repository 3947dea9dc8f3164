"""A long text that is to be spoken, and how far it is, as plain data and as files.

    data/books/<id>/book.json          what was asked for; never changes
                    state.json         queued, running, done, failed or cancelled, and why
                    blocks/000012.flac, .json    a block that is said: its sound, and its pieces
                    chapters/01.mp3    a chapter that is whole; whole.mp3 when all are

A block is some sentences. It sounds the same each time, since its seed is written down, so what
was lost in a crash is said again, and nothing else is.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from ray_pipeline.core.speech import Reference, SpeechSettings
from ray_pipeline.core.workspace import atomic_write
from ray_pipeline.speaking.order import SpeechOrder, VoiceFiles


class BookState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        return self not in (BookState.QUEUED, BookState.RUNNING)


@dataclass(frozen=True, kw_only=True)
class Manner:
    """Who says a block, and how: all of a `SpeechOrder` but the text and the seed. Paths are below
    the data folder. `spoken_name` is the voice with its version."""

    voice_id: str
    spoken_name: str
    base_model: str
    gpt: str
    sovits: str
    key: str
    reference: str
    reference_text: str = ""
    reference_language: str = ""
    mode: str
    settings: dict[str, Any] = field(default_factory=dict)
    dictionary: dict[str, Any] = field(default_factory=dict)
    verify: bool = False

    @property
    def version_id(self) -> str:
        """As `resolve_voice` takes it; a voice may be renamed meanwhile."""
        return f"{self.voice_id}@{self.spoken_name.rpartition('@')[2]}"

    @classmethod
    def of(
        cls, order: SpeechOrder, data_dir: Path, voice_id: str, spoken_name: str, base_model: str
    ) -> Manner:
        def below(path: Path) -> str:
            return str(path.relative_to(data_dir)) if path.is_absolute() else ""

        return cls(
            voice_id=voice_id,
            spoken_name=spoken_name,
            base_model=base_model,
            gpt=below(order.files.gpt_path),
            sovits=below(order.files.sovits_path),
            key=order.files.key,
            reference=below(order.reference.wav_path),
            reference_text=order.reference.text,
            reference_language=order.reference.language,
            mode=order.mode,
            settings=order.settings.model_dump(exclude={"seed"}, exclude_defaults=True),
            dictionary=dict(order.dictionary),
            verify=order.verify,
        )


@dataclass(frozen=True, kw_only=True)
class Block:
    """Some sentences and the number of their manner; or `silence` in seconds."""

    text: str = ""
    manner: int = 0
    seed: int = 0
    silence: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Chapter:
    title: str
    blocks: list[Block]


@dataclass(frozen=True, kw_only=True)
class Book:
    """Blocks are numbered through all chapters, from 0. `format` is one of the encoder's."""

    book_id: str
    title: str
    voice: str
    format: str
    seed: int
    created_at: datetime
    manners: list[Manner]
    chapters: list[Chapter]

    @property
    def blocks(self) -> list[Block]:
        return [block for chapter in self.chapters for block in chapter.blocks]

    def first_block(self, chapter: int) -> int:
        return sum(len(each.blocks) for each in self.chapters[:chapter])

    def order(self, block: Block, data_dir: Path) -> SpeechOrder:
        manner = self.manners[block.manner]
        return SpeechOrder(
            files=VoiceFiles(manner.key, data_dir / manner.gpt, data_dir / manner.sovits),
            reference=Reference(
                data_dir / manner.reference if manner.reference else Path(),
                manner.reference_text,
                manner.reference_language,
            ),
            text=block.text,
            mode=manner.mode,
            settings=SpeechSettings(**manner.settings, seed=block.seed),
            dictionary=manner.dictionary,
            verify=manner.verify,
        )


@dataclass(frozen=True, kw_only=True)
class Progress:
    """`problem` says why it failed; `left_out` what of the text nobody could say."""

    state: BookState = BookState.QUEUED
    done_blocks: int = 0
    sound_seconds: float = 0.0
    problem: str = ""
    left_out: list[str] = field(default_factory=list)
    badly_said: list[str] = field(default_factory=list)


class BookFolder:
    """Reads and writes the files of one book. Every write is whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self.path = folder

    def write(self, book: Book) -> None:
        self.path.mkdir(parents=True, exist_ok=True)
        self.write_progress(Progress())
        data = asdict(book) | {"created_at": book.created_at.isoformat()}
        # Last: a book is there once this is.
        atomic_write(self.path / "book.json", json.dumps(data, ensure_ascii=False))

    def read(self) -> Book:
        """Raises FileNotFoundError."""
        data = json.loads((self.path / "book.json").read_text("utf-8"))
        data["manners"] = [Manner(**each) for each in data["manners"]]
        data["chapters"] = [
            Chapter(title=each["title"], blocks=[Block(**block) for block in each["blocks"]])
            for each in data["chapters"]
        ]
        return Book(**{**data, "created_at": datetime.fromisoformat(data["created_at"])})

    def write_progress(self, progress: Progress) -> None:
        atomic_write(self.path / "state.json", json.dumps(asdict(progress), ensure_ascii=False))

    def progress(self) -> Progress:
        try:
            data = json.loads((self.path / "state.json").read_text("utf-8"))
        except FileNotFoundError:
            return Progress()
        return replace(Progress(**data), state=BookState(data["state"]))

    def sound_of(self, block: int) -> Path:
        return self.path / "blocks" / f"{block:06d}.flac"

    def facts_of(self, block: int) -> Path:
        return self.path / "blocks" / f"{block:06d}.json"

    def chapter_file(self, book: Book, chapter: int | None) -> Path:
        """`chapter` from 0; None for all of them in one."""
        name = "whole" if chapter is None else f"{chapter + 1:02d}"
        return self.path / "chapters" / f"{name}.{book.format}"


def books_folder(data_dir: Path) -> Path:
    return data_dir / "books"
