"""What is answered about books. Clients import it, so nothing heavy does."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field

from serve_app.schemas import Answer

if TYPE_CHECKING:
    from ray_pipeline.books.book import Book, BookFolder, Progress


class ChapterAnswer(Answer):
    title: str = Field(description="as it was sent, or its heading")
    is_done: bool = Field(description="whether …/audio?chapter=N gives it")
    num_blocks: int = Field(description="groups of sentences in it")


class BookAnswer(Answer):
    book_id: str = Field(description="stays")
    title: str = Field(description="what it is called")
    voice: str = Field(description="who says it, with the version, which stays the same")
    format: str = Field(description="of its files")
    seed: int = Field(description="the same says the same again")
    state: Literal["queued", "running", "done", "failed", "cancelled"] = Field(
        description="queued, running, done, failed or cancelled"
    )
    done_blocks: int = Field(description="groups of sentences that are said")
    num_blocks: int = Field(description="of so many")
    sound_seconds: float = Field(description="of speech that is there")
    problem: str = Field(description="why it failed, and what to do")
    left_out: list[str] = Field(description="what of the text nobody could say, the first 100")
    badly_said: list[str] = Field(description="pieces that came out badly, and how, the first 100")
    chapters: list[ChapterAnswer] = Field(description="in order; numbered from 1")
    created_at: datetime = Field(description="when it was asked for (UTC)")

    @classmethod
    def of(cls, book: Book, progress: Progress, folder: BookFolder) -> Self:
        chapters = [
            ChapterAnswer(
                title=chapter.title,
                is_done=folder.chapter_file(book, number).exists(),
                num_blocks=len(chapter.blocks),
            )
            for number, chapter in enumerate(book.chapters)
        ]
        return cls(
            **{name: getattr(book, name) for name in _OF_BOOK},
            num_blocks=len(book.blocks),
            state=progress.state.value,
            done_blocks=progress.done_blocks,
            sound_seconds=round(progress.sound_seconds, 2),
            problem=progress.problem,
            left_out=progress.left_out[:100],
            badly_said=progress.badly_said[:100],
            chapters=chapters,
        )


_OF_BOOK = ("book_id", "title", "voice", "format", "seed", "created_at")


class BooksAnswer(Answer):
    books: list[BookAnswer] = Field(description="oldest first")


class BookDeleted(Answer):
    message: str = Field(description="what was done, in a sentence")
