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
    """The medians of `rounds` rounds, and the ratio with the lowest and the highest."""
    _rate(pair.ours, device), _rate(pair.theirs, device)  # the first time allocates and compiles
    ours, theirs = [], []
    for number in range(rounds):
        sides = [(pair.ours, ours), (pair.theirs, theirs)]
        for work, rates in sides if number % 2 else reversed(sides):
            rates.append(_rate(work, device))
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    return (
        f"{name:44} ours {statistics.median(ours):8.3f}  theirs {statistics.median(theirs):8.3f} "
        f"{pair.unit}  ratio {statistics.median(ratios):.2f} ({min(ratios):.2f}..{max(ratios):.2f})"
    )


def clock(device: str) -> Callable[[], float]:
    """With one thread on a CPU the time that this process computed, so that waiting for other
    programs does not count; otherwise the time on the wall."""
    alone = device == "cpu" and torch.get_num_threads() == 1
    return time.process_time if alone else time.perf_counter


def _rate(work: Work, device: str) -> float:
    now = clock(device)
    _finish(device)
    start = now()
    amount = work()
    _finish(device)
    return amount / (now() - start)


def _finish(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()
