"""The engine beside the original's `TTS` class: the same texts, weights and settings, in turn.

Clients ask all at once. The original's server has one `TTS`, which says one request at a time; its
`batch_size` is for the sentences of one request. The engine decodes on one thread and makes sound
on another, so the original may have as many threads as both.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch

from benchmarks.speaking.clients import Experience, crowd, summary
from benchmarks.speaking.original_tts import OriginalTts
from ray_pipeline.speaking.engine import SpeechEngine
from ray_pipeline.speaking.order import Latency, SpeechOrder

# How each is asked: whole sentences as they are ready, or sound before a sentence is finished.
_THEIRS: dict[Latency, dict[str, Any]] = {
    "quality": {"return_fragment": True},
    "fast": {"streaming_mode": True, "parallel_infer": False},
}
_NAMES = ("first_sound_median_ms", "first_sound_cpu_median_ms", "throughput", "cpu_a_sound_second")


def compare(
    engine: SpeechEngine,
    theirs: OriginalTts,
    order: SpeechOrder,
    texts: Sequence[str],
    *,
    latency: Latency,
    rounds: int,
    threads: tuple[int, int],
) -> Iterator[dict[str, Any]]:
    """A client a text: a line a round, and one with the medians of the rounds' ratios, ours over
    theirs. `threads` are those of each of our two and of theirs. The sides take turns in being
    first."""
    orders = [replace(order, text=text, latency=latency) for text in texts]

    def ours_say() -> dict[str, float]:
        torch.set_num_threads(threads[0])
        return summary(*asyncio.run(crowd(engine, orders, len(orders), 1)))

    def they_say() -> dict[str, float]:
        torch.set_num_threads(threads[1])
        how = _THEIRS[latency]
        return summary(*_one_by_one(lambda text: theirs.say(text, **how), texts))

    ours, others = [], []
    for number in range(rounds):
        sides = [(ours_say, ours), (they_say, others)]
        for say, found in sides if number % 2 else reversed(sides):
            found.append(say())
        yield {
            "round": number,
            "ours": {name: ours[-1][name] for name in _NAMES},
            "theirs": {name: others[-1][name] for name in _NAMES},
        }
    ratios = {
        name: [one[name] / other[name] for one, other in zip(ours, others, strict=True)]
        for name in _NAMES
    }
    yield {
        "ours_over_theirs": {name: statistics.median(all_) for name, all_ in ratios.items()},
        "lowest": {name: min(all_) for name, all_ in ratios.items()},
        "highest": {name: max(all_) for name, all_ in ratios.items()},
    }


def _one_by_one(
    say: Callable[[str], Iterator[float]], texts: Sequence[str]
) -> tuple[list[Experience], float, float]:
    """As `clients.crowd`, of clients that are answered one after another."""
    found = []
    begun, cpu = time.monotonic(), time.process_time()
    for text in texts:
        first = first_cpu = sound = gaps = dry = 0.0
        for seconds in say(text):
            now = time.monotonic()
            if not sound:
                first, first_cpu, dry = now - begun, time.process_time() - cpu, now
            gaps += max(0.0, now - dry)
            dry, sound = max(dry, now) + seconds, sound + seconds
        found.append(Experience(first, first_cpu, time.monotonic() - begun, sound, gaps, 1))
    return found, time.monotonic() - begun, time.process_time() - cpu
