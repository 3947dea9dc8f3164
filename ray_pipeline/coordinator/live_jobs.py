"""Which jobs a thread of this process works on: the heartbeat of their workflows.

DBOS calls a workflow PENDING from the moment it is taken from the queue until its end is written
down. Where the end could not be written (the disk was full for longer than DBOS tries), the row
stays, and nobody works on it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# Between a workflow's leaving the queue and its first line there is a moment; on a busy machine
# one of seconds.
GRACE_SECONDS = 15.0


class LiveJobs:
    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._live: set[str] = set()
        self._alone_since: dict[str, float] = {}

    @contextmanager
    def working_on(self, job_id: str) -> Iterator[bool]:
        """False for a second thread on the same job, which has nothing to do."""
        with self._lock:
            is_first = job_id not in self._live
            self._live.add(job_id)
            self._alone_since.pop(job_id, None)
        try:
            yield is_first
        finally:
            if is_first:
                with self._lock:
                    self._live.discard(job_id)

    def is_cared_for(self, job_id: str, *, is_begun: bool) -> bool:
        """Whether a thread works on the job, or (`is_begun`: DBOS says that one does) may be just
        about to."""
        with self._lock:
            if job_id in self._live:
                return True
            if not is_begun:
                self._alone_since.pop(job_id, None)
                return False
            since = self._alone_since.setdefault(job_id, self._clock())
            if self._clock() - since < GRACE_SECONDS:
                return True
            del self._alone_since[job_id]
            return False
