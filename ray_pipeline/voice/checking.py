"""Whether a piece was said: told from its tokens alone, before any sound is made of them.

The failures that autoregressive speech is known for: no end, words left out, and a stretch that is
said again and again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ray_pipeline.text import Phones
from ray_pipeline.voice.speech import Said

# Phones a second. Read speech has 5 (slow Mandarin with pauses) to 13 (English); one voice varies
# by less than half, but its reference may be slow, or of another language.
_NEVER_TOO_FAST = 16.0
_ALWAYS_TOO_FAST = 25.0
_TIMES_THE_REFERENCE = 2.0
_FEWEST_PHONES = 15  # a single word without a pause can be fast
_SLOWEST_RATE = 2.0
_SLACK_SECONDS = 4.0
# A stretch of up to a second that fills at least so much time, at least four times.
_LONGEST_LOOP_SECONDS = 1.0
_LOOPING_SECONDS = 2.0
_FEWEST_ROUNDS = 4


@dataclass(frozen=True)
class Verdict:
    """`problem` is a sentence, or empty; of two, the one with less `badness` is the better."""

    problem: str = ""
    badness: float = 0.0


GOOD = Verdict()


def check(
    phones: Phones, said: Said, tokens_per_second: float, usual_rate: float | None = None
) -> Verdict:
    """`usual_rate` is that of the reference, in phones a second."""
    seconds = len(said.tokens) / tokens_per_second
    if not said.ended:
        return Verdict(f"No end was found in {seconds:.0f} s.", 4.0)
    looping = looped_seconds(np.array(said.tokens), tokens_per_second)
    if looping:
        return Verdict(f"{looping:.1f} s are the same sound again and again.", 3.0)
    count = len(phones.phones)
    rate = count / max(seconds, 1 / tokens_per_second)
    most = fastest(usual_rate)
    if count >= _FEWEST_PHONES and rate > most:
        problem = (
            f"{rate:.0f} phones a second, where the voice allows for {most:.0f}: words are missing."
        )
        return Verdict(problem, 1.0 + min(1.0, rate / most - 1))
    if seconds > longest_seconds(phones):
        return Verdict(f"{seconds:.0f} s for {count} phones: something was added.", 1.0)
    return GOOD


def longest_seconds(phones: Phones) -> float:
    """What takes longer says more than the phones, or finds no end."""
    return len(phones.phones) / _SLOWEST_RATE + _SLACK_SECONDS


def fastest(usual_rate: float | None) -> float:
    """Phones a second beyond which something is left out: twice the reference's, within 16..25."""
    if usual_rate is None:
        return _ALWAYS_TOO_FAST
    return min(_ALWAYS_TOO_FAST, max(_NEVER_TOO_FAST, _TIMES_THE_REFERENCE * usual_rate))


def looped_seconds(tokens: NDArray[np.integer], tokens_per_second: float) -> float:
    """How long the longest stretch is that only repeats itself; 0 for what speech may do."""
    longest = 0
    for period in range(1, int(_LONGEST_LOOP_SECONDS * tokens_per_second) + 1):
        run = _longest_run(tokens[period:] == tokens[:-period])
        if run + period >= _FEWEST_ROUNDS * period:
            longest = max(longest, run + period)
    seconds = longest / tokens_per_second
    return seconds if seconds >= _LOOPING_SECONDS else 0.0


def _longest_run(same: NDArray[np.bool_]) -> int:
    """The length of the longest run of True."""
    breaks = np.flatnonzero(~same)
    edges = np.concatenate([[-1], breaks, [len(same)]])
    return int(np.diff(edges).max() - 1)
