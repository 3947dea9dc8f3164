"""Pairs of the same work, timed in turn so that a busy machine slows both alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

Work = Callable[[], float]  # does it and says how much: tokens, seconds of sound, steps


@dataclass(frozen=True)
class Pair:
    """`ours` against `theirs`; `unit` is what their results count."""

    name: str
    unit: str
    ours: Work
    theirs: Work


@dataclass(frozen=True)
class Maker:
    """Builds both networks only when their turn comes: several at once do not fit."""

    name: str
    build: Callable[[], Pair]


def timed_line(name: str, pair: Pair, rounds: int, device: str) -> str:
    """The medians of `rounds` rounds, the ratio with the lowest and the highest, and the processor
    time of all threads for one of what is counted."""
    # The first time allocates and compiles.
    _measure(pair.ours, device), _measure(pair.theirs, device)
    ours: list[_Round] = []
    theirs: list[_Round] = []
    for number in range(rounds):
        sides = [(pair.ours, ours), (pair.theirs, theirs)]
        for work, rates in sides if number % 2 else reversed(sides):
            rates.append(_measure(work, device))
    ratios = [a.rate / b.rate for a, b in zip(ours, theirs, strict=True)]
    rates = [statistics.median(each.rate for each in side) for side in (ours, theirs)]
    costs = [statistics.median(each.cpu_seconds for each in side) for side in (ours, theirs)]
    return (
        f"{name:44} ours {rates[0]:8.3f}  theirs {rates[1]:8.3f} {pair.unit}  "
        f"ratio {statistics.median(ratios):.2f} ({min(ratios):.2f}..{max(ratios):.2f})  "
        f"CPU-s for one: {costs[0]:.3f} and {costs[1]:.3f}"
    )


def clock(device: str) -> Callable[[], float]:
    """With one thread on a CPU the time that this process computed, so that waiting for other
    programs does not count; otherwise the time on the wall."""
    alone = device == "cpu" and torch.get_num_threads() == 1
    return time.process_time if alone else time.perf_counter


@dataclass(frozen=True)
class _Round:
    rate: float
    cpu_seconds: float


def _measure(work: Work, device: str) -> _Round:
    now = clock(device)
    _finish(device)
    start, computed = now(), time.process_time()
    amount = work()
    _finish(device)
    return _Round(amount / (now() - start), (time.process_time() - computed) / amount)


def _finish(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()
