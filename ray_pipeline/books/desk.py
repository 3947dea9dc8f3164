"""Books that are being spoken: one after another, for as long as it takes.

    books = Books(data_dir, speak, require_voice)
    books.start(book)

Lives in the coordinator. What is to be done and what is done are files (`book.py`), so whoever
comes after a crash goes on with the blocks that are not there. A service that is away or full is
waited for; what cannot be done fails with a sentence, and may be taken up again.
"""

from __future__ import annotations

import json
import logging
import shutil
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from ray_pipeline.books.binding import bind
from ray_pipeline.books.book import Book, BookFolder, BookState, Progress
from ray_pipeline.books.saying import Said, Speak, said_before, say
from ray_pipeline.books.shelf import BooksFolder
from ray_pipeline.core.errors import Conflict, NotFound, PipelineError, pipeline_error_in

_log = logging.getLogger(__name__)

# Blocks of a book that are said side by side: an engine decodes several at once, and people who
# listen come first there.
_SIDE_BY_SIDE = 2
_LONGEST_WAIT_SECONDS = 60.0
# A block whose saying ends in a fault of the program's own so often ends the book.
_MOST_FAULTS = 3

# Raises where a version of a voice, as `id@3`, may not speak any more.
RequireVoice = Callable[[str], object]


class Books:
    """Thread-safe. Without `speak` books are kept, and nobody speaks them."""

    def __init__(
        self, data_dir: Path, speak: Speak | None = None, require_voice: RequireVoice | None = None
    ) -> None:
        self.shelf = BooksFolder(data_dir)
        self._speak = speak
        self._require_voice = require_voice or (lambda voice: None)
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        """Go on with what is not over, and with all that comes."""
        self.shelf.clean_up()
        if self._speak is not None and self._thread is None:
            self._thread = threading.Thread(target=self._run, name="books", daemon=True)
            self._thread.start()

    def close(self) -> None:
        self._closing.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()

    def start(self, book: Book) -> Progress:
        """Keep it; it is spoken when those before it are."""
        folder = self.shelf.new(book.book_id)
        folder.write(book)
        self._wake.set()
        return folder.progress()

    def cancel(self, book_id: str) -> Progress:
        """End it; what is said stays. Nothing happens to one that is over. Raises NotFound."""
        folder = self.shelf.of(book_id)
        with self._lock:
            progress = folder.progress()
            if not progress.state.is_over:
                progress = replace(progress, state=BookState.CANCELLED)
                folder.write_progress(progress)
        self._wake.set()
        return progress

    def resume(self, book_id: str) -> Progress:
        """Take up again what failed or was cancelled. Raises NotFound, and Conflict for a book
        that is whole."""
        folder = self.shelf.of(book_id)
        with self._lock:
            progress = folder.progress()
            if progress.state is BookState.DONE:
                raise Conflict("The book is spoken.", hint="Download it.")
            if progress.state.is_over:
                progress = replace(progress, state=BookState.QUEUED, problem="")
                folder.write_progress(progress)
        self._wake.set()
        return progress

    def delete(self, book_id: str) -> None:
        """With its files. Raises NotFound."""
        folder = self.shelf.of(book_id)
        with self._lock:
            (folder.path / "book.json").unlink()
            shutil.rmtree(folder.path, ignore_errors=True)
        self._wake.set()

    # -- the thread

    def _run(self) -> None:
        while not self._closing.is_set():
            self._wake.clear()
            waiting = [book for book, progress in self.shelf.all() if not progress.state.is_over]
            if not waiting:
                self._wake.wait()
                continue
            try:
                _Speaking(self, waiting[0]).run()
            except Exception:  # of the disk, say: the next try is soon enough
                _log.exception("the book %s could not go on", waiting[0].book_id)
                self.pause(5)

    def is_wanted(self, book: Book) -> bool:
        """Whether to go on with it."""
        if self._closing.is_set():
            return False
        try:
            return not self.shelf.of(book.book_id).progress().state.is_over
        except NotFound:
            return False

    def tell(self, book: Book, progress: Progress) -> None:
        """Write how far it is, unless somebody has ended it."""
        with self._lock:
            if self.is_wanted(book):
                self.shelf.of(book.book_id).write_progress(progress)

    def parts(self) -> tuple[Speak, RequireVoice]:
        assert self._speak is not None
        return self._speak, self._require_voice

    def pause(self, seconds: float) -> None:
        self._closing.wait(seconds)


@dataclass
class _Speaking:
    """One book, from where it is to its end."""

    books: Books
    book: Book
    lock: threading.Lock = field(default_factory=threading.Lock)
    stopped: threading.Event = field(default_factory=threading.Event)
    progress: Progress = field(default_factory=lambda: Progress(state=BookState.RUNNING))

    def run(self) -> None:
        folder, book = self.books.shelf.of(self.book.book_id), self.book
        blocks = book.blocks
        missing = []
        for number in range(len(blocks)):
            if (said := self._read(folder, number)) is not None:
                self._count(said)
            else:
                missing.append(number)
        self.books.tell(book, self.progress)
        try:
            with ThreadPoolExecutor(_SIDE_BY_SIDE, thread_name_prefix="book") as pool:
                list(pool.map(lambda number: self._say(folder, number), missing))
            if not self.books.is_wanted(book):
                return
            for chapter in (*range(len(book.chapters)), None):
                bind(book, folder, chapter)
        except PipelineError as error:
            problem = f"{error.message} {error.hint}".strip()
            self._end(BookState.FAILED, problem)
        except Exception as error:
            _log.exception("the book %s could not be put together", book.book_id)
            self._end(BookState.FAILED, f"It could not be put together ({type(error).__name__}).")
        else:
            self._end(BookState.DONE)

    def _read(self, folder: BookFolder, number: int) -> Said | None:
        try:
            return said_before(folder, number)
        except (FileNotFoundError, json.JSONDecodeError, TypeError):
            return None  # said again

    def _say(self, folder: BookFolder, number: int) -> None:
        speak, require_voice = self.books.parts()
        block = self.book.blocks[number]
        faults, wait = 0, 1.0
        while self._go_on():
            try:
                require_voice(self.book.manners[block.manner].version_id)
                order = self.book.order(block, self.books.shelf.data_dir)
                said = say(folder, number, block, order, speak, self._go_on)
                if said is not None:
                    self._count(said)
                    self.books.tell(self.book, self.progress)
                    self._bind_if_whole(folder, number)
                return
            except Exception as error:
                known = pipeline_error_in(error)
                faults += known is None
                if known is not None and not known.retryable:
                    self.stopped.set()  # those beside it say no more
                    raise known from None
                if faults >= _MOST_FAULTS:
                    self.stopped.set()
                    _log.exception("block %d of the book %s", number, self.book.book_id)
                    raise PipelineError(
                        f"Block {number + 1} could not be said ({type(error).__name__}).",
                        hint="See the service's log; what is said is kept, and resume goes on.",
                    ) from error
                _log.warning("block %d waits: %s", number, known or error)
                self.books.pause(min(wait, _LONGEST_WAIT_SECONDS))
                wait *= 2

    def _go_on(self) -> bool:
        return not self.stopped.is_set() and self.books.is_wanted(self.book)

    def _bind_if_whole(self, folder: BookFolder, number: int) -> None:
        """A chapter can be heard once its last block is there."""
        starts = [self.book.first_block(place) for place in range(len(self.book.chapters))]
        chapter = max(place for place, start in enumerate(starts) if start <= number)
        numbers = range(starts[chapter], starts[chapter] + len(self.book.chapters[chapter].blocks))
        if all(folder.sound_of(each).exists() for each in numbers):
            with self.lock:
                bind(self.book, folder, chapter)

    def _count(self, said: Said) -> None:
        with self.lock:
            self.progress = replace(
                self.progress,
                done_blocks=self.progress.done_blocks + 1,
                sound_seconds=self.progress.sound_seconds + said.seconds,
                left_out=self.progress.left_out + said.left_out,
                badly_said=self.progress.badly_said + said.problems,
            )

    def _end(self, state: BookState, problem: str = "") -> None:
        self.books.tell(self.book, replace(self.progress, state=state, problem=problem))
