"""Waiting for what the service itself stands on: the database, room on the disk."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from ray_pipeline.core.errors import StorageFull, Unavailable, pipeline_error_in
from ray_pipeline.store import LeaseLost

R = TypeVar("R")
_log = logging.getLogger(__name__)


def pauses(first: float = 0.5, longest: float = 15.0) -> Iterator[float]:
    """Seconds between one try and the next, for ever."""
    pause = first
    while True:
        yield pause
        pause = min(2 * pause, longest)


def is_passing(error: Exception) -> bool:
    """Whether the same can succeed later without anybody changing the request: the database is
    away or the disk is full. A lost lease does not come back."""
    cause = pipeline_error_in(error)
    return isinstance(cause, Unavailable | StorageFull) and not isinstance(cause, LeaseLost)


def insist(work: Callable[[], R], what: str, *, sleep: Callable[[float], None] = time.sleep) -> R:
    """The answer of `work`, tried again for as long as it fails for a reason that passes. It has
    to be safe to repeat. Raises whatever else it raises."""
    for pause in pauses():
        try:
            return work()
        except Exception as error:
            if not is_passing(error):
                raise
            _log.warning("%s has to wait: %s", what, error)
        sleep(pause)
    raise AssertionError("there is always another pause")
