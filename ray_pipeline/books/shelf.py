"""The folders of all books."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

from ray_pipeline.books.book import Book, BookFolder, Progress, books_folder
from ray_pipeline.core.errors import NotFound

_log = logging.getLogger(__name__)


class BooksFolder:
    """Reading books; anybody may."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self._folder = books_folder(data_dir)

    def of(self, book_id: str) -> BookFolder:
        """Raises NotFound."""
        found = BookFolder(self._folder / book_id)
        # An id is a name of ours, and no path.
        if Path(book_id).name != book_id or not (found.path / "book.json").exists():
            raise NotFound(f"There is no book {book_id[:100]!r}.", hint="GET /api/v1/books.")
        return found

    def new(self, book_id: str) -> BookFolder:
        return BookFolder(self._folder / book_id)

    def clean_up(self) -> None:
        """Remove what is left of books that were being kept or deleted in a crash."""
        for path in self._folder.glob("*"):
            if path.is_dir() and not (path / "book.json").exists():
                shutil.rmtree(path, ignore_errors=True)

    def all(self) -> list[tuple[Book, Progress]]:
        """Oldest first."""
        found = []
        for path in self._folder.glob("*/book.json"):
            folder = BookFolder(path.parent)
            try:
                found.append((folder.read(), folder.progress()))
            except (FileNotFoundError, ValueError, TypeError, KeyError) as error:
                _log.warning("%s cannot be read: %r", path, error)
        return sorted(found, key=lambda each: each[0].created_at)
