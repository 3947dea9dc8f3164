"""How fast an engine is, measured while it works: what a second of sound costs its threads.

A step of many rows costs little more than one of few, and two threads that make sound may have one
core, so both are counted by the number that ran at a time. What was not measured yet is judged from
the nearest number that was. Half of what is known is forgotten after each ten seconds of work:
machines get busier, and idle again.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

_FORGET_AFTER_SECONDS = 10.0


@dataclass(frozen=True)
class Cost:
    """Seconds: until there are the `tokens`, and the `sound`, of a second more, whosever they are;
    `row` and `lane` until one among the others has them; `begin` for a piece, until its first
    token."""

    tokens: float
    row: float
    begin: float
    sound: float
    lane: float


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


class _ByNumber:
    """Work that several share; by how many do."""

    def __init__(self) -> None:
        self._rates: defaultdict[int, _Rate] = defaultdict(_Rate)

    def add(self, number: int, work: float, made: float) -> None:
        self._rates[number].add(work, made)

    def cost(self, number: int) -> float | None:
        rates = list(self._rates.items())
        known = {n: rate.cost for n, rate in rates if rate.cost is not None}
        if not known:
            return None
        # The nearest number that is not larger; where all are, the smallest.
        nearest = max((n for n in known if n <= number), default=min(known))
        # Between work that costs the same for any number and work that costs so much for each.
        return known[nearest] * (1 + nearest / number) / 2


class _OfVersion:
    def __init__(self) -> None:
        self.tokens, self.sound = _ByNumber(), _ByNumber()
        self.begin = _Rate()


class Speed:
    """Of one engine, which decodes `num_rows` pieces at a time and makes sound of `num_lanes`; of
    each base apart. Each thread adds its own work."""

    def __init__(self, *, num_rows: int = 16, num_lanes: int = 1) -> None:
        self._num_rows, self._num_lanes = num_rows, num_lanes
        self._versions: defaultdict[str, _OfVersion] = defaultdict(_OfVersion)

    def stepped(self, version: str, rows: int, work: float, made: float) -> None:
        """A step of so many rows took `work` seconds and made tokens for `made` of sound."""
        self._versions[version].tokens.add(rows, work, made)

    def began(self, version: str, work: float) -> None:
        self._versions[version].begin.add(work, 1)

    def sounded(self, version: str, lanes: int, work: float, made: float) -> None:
        """One of so many that became sound meanwhile."""
        self._versions[version].sound.add(lanes, work / lanes, made)

    def cost(self, version: str, rows: int) -> Cost | None:
        """Where pieces of so many are to be made; None before one of this base was."""
        known, rows = self._versions[version], min(max(1, rows), self._num_rows)
        lanes = min(rows, self._num_lanes)
        tokens, sound = known.tokens.cost(rows), known.sound.cost(lanes)
        if tokens is None or sound is None:
            return None
        return Cost(tokens, tokens * rows, known.begin.cost or 0.0, sound, sound * lanes)

    def seconds_to_make(self, version: str, sound_seconds: float) -> float:
        """From a text to its sound, with nobody else; 0 where that is not known."""
        cost = self.cost(version, 1)
        if cost is None:
            return 0.0
        return cost.begin + sound_seconds * (cost.row + cost.lane)
