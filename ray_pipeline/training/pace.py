"""How fast a training goes, what it waits for, and when it will be over, all from measured times.

The loop takes its batches from `Pace.timed`. What passes before a batch is there is waiting for
data; what passes until the next is asked for is a step; what passes between the last batch of an
epoch and the first of the next (judging, exports, checkpoints) is the rest of an epoch.
"""

from __future__ import annotations

import resource
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from statistics import fmean
from typing import TypeVar

import torch

AnyBatch = TypeVar("AnyBatch")

# Enough that long and short clips even out; few enough that a machine that has got busy shows.
_RECENT_STEPS = 200
_FEWEST_STEPS = 3


class Pace:
    """Of one attempt on one worker; `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._recent: deque[float] = deque(maxlen=_RECENT_STEPS)
        self._rests: list[float] = []
        self._epoch_over: float | None = None
        self._steps, self._waited, self._worked = 0, 0.0, 0.0

    def start_epoch(self) -> None:
        if self._epoch_over is not None:
            self._rests.append(self._clock() - self._epoch_over)
        self._epoch_over = None
        self._steps, self._waited, self._worked = 0, 0.0, 0.0

    def timed(self, batches: Iterable[AnyBatch]) -> Iterator[AnyBatch]:
        """Those of an epoch."""
        iterator = iter(batches)
        while True:
            asked = self._clock()
            try:
                batch = next(iterator)
            except StopIteration:
                self._epoch_over = asked
                return
            given = self._clock()
            yield batch
            learned = self._clock()
            self._steps += 1
            self._waited += given - asked
            self._worked += learned - given
            self._recent.append(learned - asked)

    def of_epoch(self, audio_seconds: float) -> dict[str, float]:
        """`audio_seconds` were learned from. `data_wait` is a share of the time of the steps.
        Empty when no step was measured."""
        seconds = self._waited + self._worked
        if not self._steps or seconds <= 0:
            return {}
        rates = {
            "steps_per_second": self._steps / seconds,
            "data_wait": self._waited / seconds,
        }
        if audio_seconds:
            rates["audio_seconds_per_second"] = audio_seconds / seconds
        return rates

    def seconds_left(self, steps: int, epochs: int) -> float | None:
        """For so many steps, and the rest of so many epochs; None while nobody can tell."""
        if len(self._recent) < _FEWEST_STEPS:
            return None
        rest = fmean(self._rests) if self._rests else 0.0
        return steps * fmean(self._recent) + epochs * rest


def in_words(seconds: float) -> str:
    """As people would say it: "about 12 min left"."""
    if seconds < 90:
        return f"about {max(round(seconds, -1), 10):.0f} s left"
    if seconds < 90 * 60:
        return f"about {seconds / 60:.0f} min left"
    return f"about {seconds / 3600:.1f} h left"


def peak_memory_gb(device: torch.device) -> float:
    """What this process held at most: of the device, or on a CPU of the machine's memory."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 1e9
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kilobytes * (1 if sys.platform == "darwin" else 1024) / 1e9
