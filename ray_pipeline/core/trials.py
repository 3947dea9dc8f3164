"""A version tried on a share of an alias's requests, beside the one that gets the rest.

Which version a request gets is drawn, so both get the same kinds of requests, bad ones included,
and what differs between them is the versions' doing.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any, Self


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one request. `refused`: the version could not do what was asked (a mood, a
    language); `failed`: something broke; `left`: the client went away before the end. Of `pieces`
    that were said, `lost` came out with a problem, after `retries` further attempts. Seconds: until
    the first sound (None: there was none), of silence while a listener would have waited, and of
    speech. `timbre_distance` is that of the sound from the recording it imitates, None where it was
    too short to tell. Where pieces were recognised: `letters` of them, and `letter_errors`."""

    refused: bool = False
    failed: bool = False
    left: bool = False
    pieces: int = 0
    retries: int = 0
    lost: int = 0
    first_sound_seconds: float | None = None
    gap_seconds: float = 0.0
    sound_seconds: float = 0.0
    timbre_distance: float | None = None
    letters: int = 0
    letter_errors: int = 0


@dataclass(frozen=True, kw_only=True)
class TrialCounts:
    """Sums over the requests that one version got. `with_lost` and `with_gaps` are requests;
    `first_sounds` and `timbres` are how many had one."""

    requests: int = 0
    refused: int = 0
    failed: int = 0
    left: int = 0
    with_lost: int = 0
    with_gaps: int = 0
    pieces: int = 0
    retries: int = 0
    lost: int = 0
    first_sounds: int = 0
    first_sound_seconds: float = 0.0
    gap_seconds: float = 0.0
    sound_seconds: float = 0.0
    timbres: int = 0
    timbre_distance: float = 0.0
    letters: int = 0
    letter_errors: int = 0

    @property
    def unserved(self) -> int:
        return self.refused + self.failed

    def plus(self, one: Outcome) -> TrialCounts:
        first = one.first_sound_seconds
        more = {
            **{name: value for name, value in asdict(one).items() if value is not None},
            "requests": 1,
            "with_lost": one.lost > 0,
            "with_gaps": one.gap_seconds > HEARD_GAP_SECONDS,
            "first_sounds": first is not None,
            "timbres": one.timbre_distance is not None,
        }
        return TrialCounts(
            **{
                each.name: getattr(self, each.name) + more.get(each.name, 0)
                for each in fields(self)
            }
        )

    @classmethod
    def read(cls, data: dict[str, Any]) -> Self:
        """As `asdict` wrote it, perhaps by another version of this program."""
        known = {each.name for each in fields(cls)}
        return cls(**{name: value for name, value in data.items() if name in known})


@dataclass(frozen=True, kw_only=True)
class Trial:
    """The counts of one version that an alias sent requests to."""

    version: int
    counts: TrialCounts


# A shorter silence is taken for a pause of the speaker.
HEARD_GAP_SECONDS = 0.1
# The chance that a version no worse than the other is taken back, for each of the three measures
# and over all looks together.
FALSE_ALARM = 0.01
# What is surely worse, and hardly so, is nobody's reason to go back.
LEAST_DIFFERENCE = 0.02
_MEASURES = {
    "unserved": "were refused or failed",
    "with_lost": "had a piece that came out badly",
    "with_gaps": "had gaps in their sound",
}


def look_number(requests: int, after: int) -> int | None:
    """0 at `after` requests, 1 at twice as many, 2 at four times …; otherwise None. Who looked
    after each request would at last see a difference where there is none."""
    looks, rest = divmod(requests, after)
    is_one = rest == 0 and looks > 0 and looks & (looks - 1) == 0
    return looks.bit_length() - 1 if is_one else None


def why_worse(canary: TrialCounts, other: TrialCounts, after: int) -> str:
    """A sentence if it is time to look and the canary is worse than chance explains, else "".

    Fisher's exact test on shares of requests, one-sided; look k may use up 1/2^(k+1) of
    `FALSE_ALARM`. Nothing is said before the other has had `after` requests, too.
    """
    look = look_number(canary.requests, after)
    if look is None or other.requests < after:
        return ""
    for name, words in _MEASURES.items():
        bad, other_bad = getattr(canary, name), getattr(other, name)
        share, other_share = bad / canary.requests, other_bad / other.requests
        chance = _chance_of(bad, canary.requests, other_bad, other.requests)
        if share - other_share >= LEAST_DIFFERENCE and chance < FALSE_ALARM / 2 ** (look + 1):
            return (
                f"Of its {canary.requests} requests {bad} {words} ({share:.0%}), of the other "
                f"version's {other.requests} {other_bad} ({other_share:.0%})."
            )
    return ""


def _chance_of(bad: int, total: int, other_bad: int, other_total: int) -> float:
    """Of so many bad ones or more among `total`, were both alike."""
    from scipy.stats import hypergeom

    everything = total + other_total
    return float(hypergeom.sf(bad - 1, everything, bad + other_bad, total))
