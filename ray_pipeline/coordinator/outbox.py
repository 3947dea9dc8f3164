"""What a step's process has said and the coordinator has not stored yet.

Reports are gathered for a fifth of a second and sent together, one batch at a time, so that they
arrive in order. While nobody can store them (the coordinator restarts, the database is away, the
disk of the database is full) they go to a file in the task's folder, where neither a long wait
nor the end of this process loses them, and are sent from there, in order, before anything newer.
The file has a bound; beyond it the newest reports stay in memory, and how many were lost is told.
"""

from __future__ import annotations

import errno
import json
import os
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ray_pipeline.core.task import EventKind
from ray_pipeline.core.workspace import atomic_write

SEND_INTERVAL_SECONDS = 0.2
AWAY_INTERVAL_SECONDS = 1.0
_BATCH = 500
_MAX_PENDING = 5000  # where the file cannot be written either
_MAX_SPOOL_BYTES = 16_000_000  # of one process; it is read whole for every attempt to send it


@dataclass(frozen=True, kw_only=True)
class Report:
    """One thing said by an attempt; `again` if an earlier one may have said it."""

    kind: EventKind
    data: dict[str, Any]
    time: datetime = field(default_factory=lambda: datetime.now(UTC))
    again: bool = False


# False: not now, the same reports have to be sent again.
Send = Callable[[list[Report]], bool]


class Outbox:
    """A thread of its own sends; who reports never waits. `stem` is the beginning of the file's
    name, the same for all processes of an attempt."""

    def __init__(self, send: Send, folder: Path, stem: str) -> None:
        self._send = send
        self._stem = folder / stem
        self._spool = Spool(folder / f"{stem}.{os.getpid()}-{uuid.uuid4().hex[:8]}.jsonl")
        self._changed = threading.Condition()
        self._pending: list[Report] = []
        self._is_sending = False
        self._lost = 0

    def put(self, report: Report) -> None:
        with self._changed:
            self._pending.append(report)
            self._start()

    def flush(self) -> None:
        """Wait until everything is stored, also what processes of this attempt that are gone
        have left in their files. Without limit: who waits for the end of a step needs the
        coordinator and the database as well."""
        left = [path for path in self._files() if path != self._spool.path]
        for path in left:
            spool = Spool(path)
            while not spool.send_to(self._send):
                threading.Event().wait(AWAY_INTERVAL_SECONDS)
        with self._changed:
            self._changed.wait_for(lambda: not self._is_sending)

    def _files(self) -> list[Path]:
        return sorted(self._stem.parent.glob(f"{self._stem.name}.*.jsonl"))

    def _start(self) -> None:
        if not self._is_sending:
            self._is_sending = True
            threading.Thread(target=self._send_all, daemon=True, name="reports").start()

    def _send_all(self) -> None:
        while True:
            batch = self._next_batch()
            if batch is None:
                return
            is_away = not self._deliver(batch)
            # What is said meanwhile goes together with the next batch.
            pause = AWAY_INTERVAL_SECONDS if is_away else SEND_INTERVAL_SECONDS
            threading.Event().wait(pause)

    def _next_batch(self) -> list[Report] | None:
        """None once all is delivered."""
        with self._changed:
            batch, self._pending = _coalesced(self._pending), []
            if not batch and self._spool.is_empty:
                self._is_sending = False
                self._changed.notify_all()
                return None
            return batch

    def _deliver(self, batch: list[Report]) -> bool:
        told = [_told_lost(self._lost)] if self._lost else []
        if self._spool.is_empty and self._send([*told, *batch]):
            self._lost = 0
            return True
        try:
            self._spool.add(batch)
        except OSError:
            # No room there either: what memory allows is kept.
            with self._changed:
                kept = [*batch, *self._pending]
                self._pending = kept[-_MAX_PENDING:]
                self._lost += len(kept) - len(self._pending)
        return self._spool.send_to(self._send)


class Spool:
    """Reports in a file, a line each, oldest first. Only one process writes to it at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def is_empty(self) -> bool:
        return not self.path.exists()

    def add(self, reports: list[Report]) -> None:
        """Raises OSError, also when the file would grow beyond its bound; a line that was cut short
        is passed over when it is read."""
        if not reports:
            return
        # Begins a line of its own even after one that a full disk cut short.
        lines = ("\n" + "".join(_to_line(report) for report in reports)).encode()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab") as file:
            if file.tell() + len(lines) > _MAX_SPOOL_BYTES:
                raise OSError(errno.EFBIG, "the file of reports is full", str(self.path))
            file.write(lines)

    def send_to(self, send: Send) -> bool:
        """Send what is there, in order, and forget it; False if something is left."""
        waiting = self._read()
        while waiting:
            batch, waiting = waiting[:_BATCH], waiting[_BATCH:]
            if not send(_coalesced(batch)):
                return False
            if waiting:
                try:
                    atomic_write(self.path, "".join(_to_line(report) for report in waiting))
                except OSError:
                    # Rather told twice than not at all, should this process end now.
                    continue
        self.path.unlink(missing_ok=True)
        return True

    def _read(self) -> list[Report]:
        if self.is_empty:
            return []
        reports = []
        for line in self.path.read_text("utf-8", errors="replace").splitlines():
            try:
                item = json.loads(line)
                time = datetime.fromisoformat(item["time"])
                kind = EventKind(item["kind"])
                report = Report(
                    kind=kind, data=item["data"], time=time, again=item.get("again", False)
                )
            except (ValueError, KeyError, TypeError):
                continue
            reports.append(report)
        return reports


def _told_lost(number: int) -> Report:
    message = (
        f"{number} older reports of this step were lost: nobody could store them for too long."
    )
    return Report(kind=EventKind.WARNING, data={"message": message})


def _to_line(report: Report) -> str:
    item = {**vars(report), "kind": report.kind.value, "time": report.time.isoformat()}
    return json.dumps(item, ensure_ascii=False) + "\n"


def _coalesced(reports: list[Report]) -> list[Report]:
    """Of progress only the newest counts; everything else is kept in order."""
    newest = next((r for r in reversed(reports) if r.kind is EventKind.PROGRESS), None)
    return [r for r in reports if r.kind is not EventKind.PROGRESS or r is newest]
