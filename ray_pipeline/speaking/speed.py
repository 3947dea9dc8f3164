"""How fast an engine is, measured while it works: what a second of sound costs its two threads.

A step of many rows costs little more than one of few, so tokens are counted by the number of rows
that ran. What was not measured yet is judged from the nearest number that was. Half of what is
known is forgotten after each ten seconds of work: machines get busier, and idle again.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

_FORGET_AFTER_SECONDS = 10.0


@dataclass(frozen=True)
class Cost:
    """Seconds of work: `tokens` and `sound` for a second of sound, of the one and of the other
    thread; `begin` for a piece, until its first token; `row` until one row among the others has
    the tokens of a second."""

    tokens: float
    row: float
    begin: float
    sound: float


@dataclass
class _Rate:
    """Work and what it made, of late. The first time is left out: much is made ready in it."""

    work: float = 0.0
    made: float = 0.0
    is_warm: bool = False

    def add(self, work: float, made: float) -> None:
        if not self.is_warm:
            self.is_warm = True
            return
        self.work, self.made = self.work + work, self.made + made
        if self.work > _FORGET_AFTER_SECONDS:
            self.work, self.made = self.work / 2, self.made / 2

    @property
    def cost(self) -> float | None:
        return self.work / self.made if self.made else None


class _OfVersion:
    def __init__(self) -> None:
        self.tokens: defaultdict[int, _Rate] = defaultdict(_Rate)
        self.begin, self.sound = _Rate(), _Rate()

    def tokens_cost(self, rows: int) -> float | None:
        known = {n: rate.cost for n, rate in list(self.tokens.items()) if rate.cost is not None}
        if not known:
            return None
        # The nearest number that is not larger; where all are, the smallest.
        nearest = max((n for n in known if n <= rows), default=min(known))
        # Between a step that costs the same for any number of rows and one that costs so much
        # for each of them.
        return known[nearest] * (1 + nearest / rows) / 2


class Speed:
    """Of one engine; bases are kept apart. Each thread adds its own work."""

    def __init__(self) -> None:
        self._versions: defaultdict[str, _OfVersion] = defaultdict(_OfVersion)

    def stepped(self, version: str, rows: int, work: float, made: float) -> None:
        """A step of so many rows took `work` seconds and made tokens for `made` of sound."""
        self._versions[version].tokens[rows].add(work, made)

    def began(self, version: str, work: float) -> None:
        self._versions[version].begin.add(work, 1)

    def sounded(self, version: str, work: float, made: float) -> None:
        self._versions[version].sound.add(work, made)

    def cost(self, version: str, rows: int) -> Cost | None:
        """Where so many rows run; None before a piece of this base was made."""
        known = self._versions[version]
        tokens, sound = known.tokens_cost(max(1, rows)), known.sound.cost
        if tokens is None or sound is None:
            return None
        return Cost(tokens, tokens * max(1, rows), known.begin.cost or 0.0, sound)
