"""Long texts, spoken beside other work; their files, chapter by chapter."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import FileResponse, JSONResponse, PlainTextResponse, Response

from ray_pipeline.audio.encoding import FORMATS
from ray_pipeline.audio.subtitles import SUBTITLE_FORMATS, cues_of, subtitles
from ray_pipeline.books.binding import pieces_of
from ray_pipeline.books.book import Book, BookFolder
from ray_pipeline.books.shelf import BooksFolder
from ray_pipeline.core.errors import Conflict, NotFound
from ray_pipeline.core.workspace import safe_file_name
from serve_app.book_schemas import BookAnswer, BookDeleted, BooksAnswer
from serve_app.dependencies import CoordinatorDep, SettingsDep
from serve_app.errors import problem_responses
from serve_app.file_answers import FILE_RESPONSES, file_answer
from serve_app.idempotency import IdempotencyKey, OnceRoute
from serve_app.speech.book_requests import BookRequest
from serve_app.speech.bookmaking import make_book
from serve_app.speech.service import SpeechDep

router = APIRouter(tags=["books"], route_class=OnceRoute)

BookId = Annotated[str, Path(description="as POST /books answers it", max_length=64)]
ChapterNumber = Annotated[
    int | None, Query(ge=1, le=10_000, description="1, 2, 3 …; default: all of them in one")
]


def _shelf(settings: SettingsDep) -> BooksFolder:
    return BooksFolder(settings.data_dir)


ShelfDep = Annotated[BooksFolder, Depends(_shelf)]


def _folder(book_id: BookId, shelf: ShelfDep) -> BookFolder:
    return shelf.of(book_id)


FolderDep = Annotated[BookFolder, Depends(_folder)]


@router.post("/books", responses=problem_responses(404, 410, 413, 422))
async def start_book(
    body: BookRequest,
    service: SpeechDep,
    coordinator: CoordinatorDep,
    shelf: ShelfDep,
    idempotency_key: IdempotencyKey = None,
) -> BookAnswer:
    """Have a long text spoken in the background: one file a chapter, and one of all. Headings
    (`# One`) begin chapters, or send `chapters`; texts may be SSML. It goes on after a crash or a
    restart with the sentences that are not said yet, and sounds the same as without."""
    book = await asyncio.to_thread(make_book, service.chooser, body, shelf.data_dir)
    await coordinator.start_book(book)
    return await asyncio.to_thread(_answer, shelf.of(book.book_id))


@router.get("/books")
def list_books(shelf: ShelfDep) -> BooksAnswer:
    """Every book with how far it is, oldest first."""
    found = [BookAnswer.of(book, told, shelf.of(book.book_id)) for book, told in shelf.all()]
    return BooksAnswer(books=found)


@router.get("/books/{book_id}", responses=problem_responses(404))
def get_book(folder: FolderDep) -> BookAnswer:
    """How far a book is."""
    return _answer(folder)


@router.post("/books/{book_id}/cancel", responses=problem_responses(404))
async def cancel_book(
    book_id: BookId,
    folder: FolderDep,
    coordinator: CoordinatorDep,
    idempotency_key: IdempotencyKey = None,
) -> BookAnswer:
    """End it; what is said stays, and …/resume goes on."""
    await coordinator.cancel_book(book_id)
    return await asyncio.to_thread(_answer, folder)


@router.post("/books/{book_id}/resume", responses=problem_responses(404, 409))
async def resume_book(
    book_id: BookId,
    folder: FolderDep,
    coordinator: CoordinatorDep,
    idempotency_key: IdempotencyKey = None,
) -> BookAnswer:
    """Go on with one that failed or was cancelled. 409 for one that is done."""
    await coordinator.resume_book(book_id)
    return await asyncio.to_thread(_answer, folder)


@router.delete("/books/{book_id}", responses=problem_responses(404))
async def delete_book(book_id: BookId, coordinator: CoordinatorDep) -> BookDeleted:
    """Remove a book with its files; what is being said of it ends."""
    await coordinator.delete_book(book_id)
    return BookDeleted(message="The book was deleted.")


@router.get(
    "/books/{book_id}/audio",
    response_class=FileResponse,
    responses=FILE_RESPONSES | problem_responses(404, 409, 422),
)
async def get_book_audio(
    request: Request, folder: FolderDep, chapter: ChapterNumber = None
) -> Response:
    """The sound of a chapter that is done, or of the whole book. 409 before that."""
    book = await asyncio.to_thread(folder.read)
    path = folder.chapter_file(book, _index(book, chapter))
    if not path.exists():
        raise Conflict("That is not all said yet.", hint="GET …/books/{id} says how far it is.")
    media_type = FORMATS[book.format].media_type
    name = f"{_file_name(book, chapter)}.{book.format}"
    return await file_answer(request, path, name=name, media_type=media_type, inline=True)


@router.get(
    "/books/{book_id}/blocks/{number}/audio",
    response_class=FileResponse,
    responses=FILE_RESPONSES | problem_responses(404, 409, 422),
)
async def get_book_block(
    request: Request,
    folder: FolderDep,
    number: Annotated[int, Path(ge=1, le=1_000_000, description="1, 2, 3 …, as in num_blocks")],
) -> Response:
    """Some sentences as FLAC as soon as they are said: to listen while the rest is being made."""
    book = await asyncio.to_thread(folder.read)
    if number > len(book.blocks):
        raise NotFound(f"The book has {len(book.blocks)} blocks.", hint="They count from 1.")
    path = folder.sound_of(number - 1)
    if not path.exists():
        raise Conflict("That is not all said yet.", hint="GET …/books/{id} says how far it is.")
    name = f"{safe_file_name(book.title)}-block-{number}.flac"
    return await file_answer(request, path, name=name, media_type="audio/flac", inline=True)


@router.get(
    "/books/{book_id}/subtitles",
    response_class=PlainTextResponse,
    responses={
        200: {
            "content": {
                media_type: {} for media_type in (*SUBTITLE_FORMATS.values(), "application/json")
            }
        },
        **problem_responses(404, 422),
    },
)
def get_book_subtitles(
    folder: FolderDep,
    chapter: ChapterNumber = None,
    format: Annotated[
        Literal["srt", "vtt", "json"],
        Query(description="SubRip, WebVTT, or a list of pieces with the times of their words"),
    ] = "srt",
) -> Response:
    """What is said when, of what is said so far."""
    book = folder.read()
    pieces = pieces_of(book, folder, _index(book, chapter))
    if format == "json":
        return JSONResponse(pieces)
    text = subtitles(cues_of(pieces), format)
    return Response(text, media_type=f"{SUBTITLE_FORMATS[format]}; charset=utf-8")


def _index(book: Book, chapter: int | None) -> int | None:
    if chapter is not None and chapter > len(book.chapters):
        raise NotFound(f"The book has {len(book.chapters)} chapters.", hint="They count from 1.")
    return None if chapter is None else chapter - 1


def _file_name(book: Book, chapter: int | None) -> str:
    number = "" if chapter is None else f"-{chapter:02d}"
    return f"{safe_file_name(book.title)}{number}"


def _answer(folder: BookFolder) -> BookAnswer:
    return BookAnswer.of(folder.read(), folder.progress(), folder)
