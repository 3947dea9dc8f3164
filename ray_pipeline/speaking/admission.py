"""Whether one more can be spoken for without a gap in anybody's playback, by the speed so far.

What is still to be made is laid out in the order in which the engine makes it: first sounds, then
whatever runs dry first. A request is refused when a listener would wait longer because of it, or
it would wait itself. Where nobody else listens it is always spoken for: to come again would not
help. Nor does anybody count whose voice is slower here than it speaks, since there are gaps anyhow.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ray_pipeline.core.errors import Busy
from ray_pipeline.speaking.speed import Cost

# What is foreseen is a little worse than what was measured; less than this is not heard.
_CAUTION = 1.15
_UNHEARD_SECONDS = 0.05
_LONGEST_WAIT_SECONDS = 60.0


@dataclass(frozen=True)
class Stretch:
    """A part of a request whose sound comes at once: the tokens of so many seconds are missing,
    the sound of so many; it is due `after` seconds of playback. `begins` a piece."""

    tokens_seconds: float
    sound_seconds: float
    after: float
    begins: bool


@dataclass(frozen=True)
class Outlook:
    """What is left of a request. `started` is when its playback began, in seconds from now, None
    if nothing was heard. Who does not listen meanwhile gets everything by `patience`."""

    version: str
    arrived: float
    started: float | None
    stretches: Sequence[Stretch]
    patience: float | None = None


@dataclass(frozen=True)
class Foreseen:
    """Seconds: the longest that playback waits, its first sound aside, and until all is made."""

    late: float
    done: float


CostOf = Callable[[str, int], Cost | None]


def foresee(outlooks: Sequence[Outlook], cost_of: CostOf) -> list[Foreseen]:
    """What becomes of each. Work whose cost is not known yet is taken for none."""
    # Those who wait do not run beside those who listen.
    listening = sum(outlook.patience is None for outlook in outlooks)
    costs = [cost_of(outlook.version, listening) for outlook in outlooks]
    late, done = [0.0] * len(outlooks), [0.0] * len(outlooks)
    started = [outlook.started for outlook in outlooks]
    tokens_at = sound_at = 0.0

    def make(which: int, stretch: Stretch) -> float:
        nonlocal tokens_at, sound_at
        if (cost := costs[which]) is not None:
            begin = cost.begin if stretch.begins else 0.0
            tokens_at += _CAUTION * (begin + stretch.tokens_seconds * cost.tokens)
            ready = max(tokens_at, _CAUTION * (begin + stretch.tokens_seconds * cost.row))
            made = _CAUTION * stretch.sound_seconds
            sound_at = max(sound_at + made * cost.sound, ready + made * cost.lane)
        done[which] = max(done[which], sound_at)
        return sound_at

    due: list[tuple[float, int, Stretch]] = []
    for which in sorted(range(len(outlooks)), key=lambda n: outlooks[n].arrived):
        outlook, rest = outlooks[which], list(outlooks[which].stretches)
        if outlook.patience is not None:
            due += [(outlook.patience, which, stretch) for stretch in rest]
            continue
        if started[which] is None and rest:
            started[which] = make(which, rest.pop(0))
        due += [((started[which] or 0.0) + stretch.after, which, stretch) for stretch in rest]
    for at, which, stretch in sorted(due, key=lambda one: one[0]):
        finished = make(which, stretch)
        if outlooks[which].patience is None:
            late[which] = max(late[which], finished - at)
    return [Foreseen(*one) for one in zip(late, done, strict=True)]


def seconds_to_wait(there: Sequence[Outlook], new: Outlook, cost_of: CostOf) -> float | None:
    """None if the new one can be spoken for too; otherwise when the first of those that are there
    will probably be done."""
    if new.patience is not None or all(outlook.patience is not None for outlook in there):
        return None
    without, together = foresee(there, cost_of), foresee([*there, new], cost_of)
    before = [*(max(0.0, one.late) for one in without), 0.0]
    if not any(
        now.late > earlier + _UNHEARD_SECONDS and _keeps_up(outlook, cost_of)
        for outlook, earlier, now in zip([*there, new], before, together, strict=True)
    ):
        return None
    return min(
        max(one.done, _playback_end(outlook))
        for one, outlook in zip(without, there, strict=True)
        if outlook.patience is None
    )


def promise_no_gaps(there: Sequence[Outlook], new: Outlook, cost_of: CostOf) -> None:
    """Raises Busy where that cannot be kept."""
    wait = seconds_to_wait(there, new, cost_of)
    if wait is not None:
        raise Busy(
            "As many listen as this machine can speak for in time; one more would make gaps in "
            "what is heard.",
            hint="Try again in some seconds, or ask for all at once rather than a stream.",
            retry_after_s=math.ceil(min(_LONGEST_WAIT_SECONDS, max(1.0, wait))),
        )


def _keeps_up(outlook: Outlook, cost_of: CostOf) -> bool:
    """Whether it is made as fast as it is heard where it is alone."""
    cost = cost_of(outlook.version, 1)
    if cost is None:
        return True
    begins = sum(stretch.begins for stretch in outlook.stretches)
    tokens = sum(stretch.tokens_seconds for stretch in outlook.stretches)
    sound = sum(stretch.sound_seconds for stretch in outlook.stretches)
    return _CAUTION * max(begins * cost.begin + tokens * cost.tokens, sound * cost.sound) <= sound


def _playback_end(outlook: Outlook) -> float:
    last = outlook.stretches[-1] if outlook.stretches else None
    return 0.0 if last is None else (outlook.started or 0.0) + last.after
