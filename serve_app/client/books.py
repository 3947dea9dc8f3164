"""Books: the part of both clients for them."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from serve_app.book_schemas import BookAnswer, BookDeleted, BooksAnswer
from serve_app.client.calls import Call, doing, once_headers

T = TypeVar("T")
_BOOKS = "/api/v1/books"


def _path(book_id: str, rest: str = "") -> str:
    return f"{_BOOKS}/{quote(book_id, safe='')}{rest}"


def _all(data: Any) -> list[BookAnswer]:
    return BooksAnswer.model_validate(data).books


def _change(book_id: str, what: str) -> Call[BookAnswer]:
    path = _path(book_id, f"/{what}")
    return Call("POST", path, BookAnswer.model_validate, {"headers": once_headers()})


def _of(chapter: int | None) -> dict[str, Any]:
    return {} if chapter is None else {"chapter": chapter}


class BlockingBooks:
    """Part of `Client`: long texts, spoken in the background."""

    @abstractmethod
    def _do(self, call: Call[T]) -> T: ...

    @abstractmethod
    def _save(self, path: str, target: str | Path, **options: Any) -> Path: ...

    def start_book(self, title: str, voice: str, text: str = "", **fields: Any) -> BookAnswer:
        """Have a long text spoken; headings (`# One`) begin chapters. `fields`: `chapters`, each
        with title and text, in place of `text`; response_format, seed, speed, language …"""
        body = {"title": title, "voice": voice, **({"input": text} if text else {}), **fields}
        return self._do(Call("POST", _BOOKS, BookAnswer.model_validate, doing(body)))

    def books(self) -> list[BookAnswer]:
        """Every book, oldest first."""
        return self._do(Call("GET", _BOOKS, _all))

    def book(self, book_id: str) -> BookAnswer:
        """How far it is."""
        return self._do(Call("GET", _path(book_id), BookAnswer.model_validate))

    def cancel_book(self, book_id: str) -> BookAnswer:
        """End it; what is said stays."""
        return self._do(_change(book_id, "cancel"))

    def resume_book(self, book_id: str) -> BookAnswer:
        """Go on with one that failed or was cancelled."""
        return self._do(_change(book_id, "resume"))

    def delete_book(self, book_id: str) -> BookDeleted:
        """With its files."""
        return self._do(Call("DELETE", _path(book_id), BookDeleted.model_validate))

    def download_book(
        self, book_id: str, target: str | Path, *, chapter: int | None = None
    ) -> Path:
        """Write the sound of a chapter (from 1), or of all. Raises ConflictError before it is
        said."""
        return self._save(_path(book_id, "/audio"), target, params=_of(chapter))

    def download_book_subtitles(
        self, book_id: str, target: str | Path, *, chapter: int | None = None, kind: str = "srt"
    ) -> Path:
        """Write what is said when, as `srt` or `vtt`, or with words as `json`."""
        params = {**_of(chapter), "format": kind}
        return self._save(_path(book_id, "/subtitles"), target, params=params)


class AsyncBooks:
    """Part of `AsyncClient`: long texts, spoken in the background."""

    @abstractmethod
    async def _do(self, call: Call[T]) -> T: ...

    @abstractmethod
    async def _save(self, path: str, target: str | Path, **options: Any) -> Path: ...

    async def start_book(self, title: str, voice: str, text: str = "", **fields: Any) -> BookAnswer:
        """Have a long text spoken; headings (`# One`) begin chapters. `fields`: `chapters`, each
        with title and text, in place of `text`; response_format, seed, speed, language …"""
        body = {"title": title, "voice": voice, **({"input": text} if text else {}), **fields}
        return await self._do(Call("POST", _BOOKS, BookAnswer.model_validate, doing(body)))

    async def books(self) -> list[BookAnswer]:
        """Every book, oldest first."""
        return await self._do(Call("GET", _BOOKS, _all))

    async def book(self, book_id: str) -> BookAnswer:
        """How far it is."""
        return await self._do(Call("GET", _path(book_id), BookAnswer.model_validate))

    async def cancel_book(self, book_id: str) -> BookAnswer:
        """End it; what is said stays."""
        return await self._do(_change(book_id, "cancel"))

    async def resume_book(self, book_id: str) -> BookAnswer:
        """Go on with one that failed or was cancelled."""
        return await self._do(_change(book_id, "resume"))

    async def delete_book(self, book_id: str) -> BookDeleted:
        """With its files."""
        return await self._do(Call("DELETE", _path(book_id), BookDeleted.model_validate))

    async def download_book(
        self, book_id: str, target: str | Path, *, chapter: int | None = None
    ) -> Path:
        """Write the sound of a chapter (from 1), or of all. Raises ConflictError before it is
        said."""
        return await self._save(_path(book_id, "/audio"), target, params=_of(chapter))

    async def download_book_subtitles(
        self, book_id: str, target: str | Path, *, chapter: int | None = None, kind: str = "srt"
    ) -> Path:
        """Write what is said when, as `srt` or `vtt`, or with words as `json`."""
        params = {**_of(chapter), "format": kind}
        return await self._save(_path(book_id, "/subtitles"), target, params=params)
