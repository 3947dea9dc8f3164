"""Downloads that go on beside other work: asked for by name, one after another, resumed.

What is wanted and not there yet is written down in `.wanted.json` of the models folder, so that a
service that was restarted goes on with it; the bytes that had arrived are kept (`fetching.py`).
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from ray_pipeline.core.errors import PipelineError
from ray_pipeline.core.workspace import atomic_write
from ray_pipeline.hub.catalogue import Entry, entry, with_companions
from ray_pipeline.hub.pulling import PullProgress, pull

WANTED = ".wanted.json"

_log = logging.getLogger(__name__)


class DownloadState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, kw_only=True)
class Download:
    """`done_bytes` of `file`, the `number`th of `num_files`, of `file_bytes` if that is known.
    `problem` says why it failed and what to do."""

    name: str
    source: str | None
    state: DownloadState = DownloadState.QUEUED
    file: str = ""
    number: int = 0
    num_files: int = 0
    done_bytes: int = 0
    file_bytes: int | None = None
    problem: str = ""

    @property
    def is_over(self) -> bool:
        return self.state not in (DownloadState.QUEUED, DownloadState.RUNNING)


class _Cancelled(Exception):
    pass


class Downloads:
    """Any thread may ask. `pull` replaces how files are fetched, for tests."""

    def __init__(self, models_dir: Path, pull: Callable[..., list[str]] = pull) -> None:
        self._models_dir, self._pull = models_dir, pull
        self._known: dict[str, Download] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        for name, source in self._written_down():
            self._known[name] = Download(name=name, source=source)
        self._work_if_needed()

    def all(self) -> list[Download]:
        """Those of this process, and what was wanted before, in the order they were asked for."""
        with self._changed:
            return list(self._known.values())

    def start(self, name: str, source: str | None = None, *, alone: bool = False) -> list[Download]:
        """Ask for an entry of the catalogue and, unless `alone`, its companions. What is under
        way already stays so. Raises InvalidInput for an unknown name."""
        rows = [entry(name)] if alone else with_companions(name)
        with self._changed:
            for row in rows:
                known = self._known.get(row.name)
                if row.missing(self._models_dir) and (known is None or known.is_over):
                    self._known.pop(row.name, None)  # to the end of the line
                    self._known[row.name] = Download(name=row.name, source=_fitting(row, source))
            self._write_down()
            asked = [self._known[row.name] for row in rows if row.name in self._known]
        self._work_if_needed()
        return asked

    def cancel(self, name: str) -> Download | None:
        """End a download; what has arrived is kept for the next time. None if there is none."""
        with self._changed:
            known = self._known.get(entry(name).name)
            if known is not None and not known.is_over:
                known = self._set(replace(known, state=DownloadState.CANCELLED))
                self._write_down()
            return known

    def wait(self, timeout_seconds: float) -> bool:
        """Whether nothing is left to do, at the latest when the time is up."""
        with self._changed:
            return self._changed.wait_for(
                lambda: all(each.is_over for each in self._known.values()), timeout_seconds
            )

    def _work_if_needed(self) -> None:
        with self._changed:
            idle = self._thread is None or not self._thread.is_alive()
            if idle and any(not each.is_over for each in self._known.values()):
                self._thread = threading.Thread(target=self._work, name="downloads", daemon=True)
                self._thread.start()

    def _work(self) -> None:
        while True:
            with self._changed:
                waiting = [each for each in self._known.values() if not each.is_over]
                if not waiting:
                    self._thread = None
                    return
                download = self._set(replace(waiting[0], state=DownloadState.RUNNING))
            end = self._fetch(download)
            with self._changed:
                if not self._known[download.name].is_over:
                    self._set(end)
                self._write_down()

    def _fetch(self, download: Download) -> Download:
        def tell(progress: PullProgress) -> None:
            with self._changed:
                now = self._known[download.name]
                if now.is_over:
                    raise _Cancelled
                self._set(
                    replace(
                        now,
                        file=progress.file,
                        number=progress.number,
                        num_files=progress.num_files,
                        done_bytes=progress.done,
                        file_bytes=progress.total,
                    )
                )

        try:
            self._pull(download.name, self._models_dir, download.source, tell)
        except _Cancelled:
            return replace(download, state=DownloadState.CANCELLED)
        except PipelineError as error:
            problem = f"{error.message} {error.hint}".strip()
        except Exception as error:
            _log.exception("the download of %s failed", download.name)
            problem = f"It failed in a way that nobody foresaw ({type(error).__name__})."
        else:
            return replace(self._known[download.name], state=DownloadState.DONE)
        return replace(self._known[download.name], state=DownloadState.FAILED, problem=problem)

    def _set(self, download: Download) -> Download:
        """Under the lock."""
        self._known[download.name] = download
        self._changed.notify_all()
        return download

    def _written_down(self) -> list[tuple[str, str | None]]:
        try:
            rows = json.loads((self._models_dir / WANTED).read_text("utf-8"))
            return [(entry(row["name"]).name, row["source"]) for row in rows]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, KeyError, TypeError, PipelineError) as error:
            _log.warning("%s cannot be read, so nothing is resumed: %r", WANTED, error)
            return []

    def _write_down(self) -> None:
        path = self._models_dir / WANTED
        rows = [
            {"name": each.name, "source": each.source}
            for each in self._known.values()
            if not each.is_over
        ]
        try:
            if rows:
                self._models_dir.mkdir(parents=True, exist_ok=True)
                atomic_write(path, json.dumps(rows))
            else:
                path.unlink(missing_ok=True)
        except OSError as error:  # it only means that a restart forgets
            _log.warning("%s was not written: %s", path.name, error)


def _fitting(row: Entry, source: str | None) -> str | None:
    """Of a companion that the source does not have, the first that has it."""
    return source if source in row.sources else None
