"""Clients of an engine, each with a player: how long until the first sound, and how long the player
had nothing to play."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ray_pipeline.core.audio_format import SAMPLE_RATE
from ray_pipeline.speaking.engine import SpeechEngine
from ray_pipeline.speaking.order import PieceEnd, Sound, SpeechOrder


@dataclass(frozen=True)
class Experience:
    """Seconds: until the first sound, on the clock and of this process's processor time (all of its
    threads together), until the end, of sound, and of silence that the player had to put in
    between."""

    first_sound: float
    first_sound_cpu: float
    whole: float
    sound: float
    gaps: float
    attempts: int


async def listen(engine: SpeechEngine, order: SpeechOrder) -> Experience:
    asked, cpu = time.monotonic(), time.process_time()
    first_cpu = 0.0
    first, dry, sound, gaps, attempts = 0.0, 0.0, 0.0, 0.0, 0
    async for part in engine.speak(order):
        now = time.monotonic()
        if isinstance(part, Sound):
            if not sound:
                first, dry, first_cpu = now - asked, now, time.process_time() - cpu
            gaps += max(0.0, now - dry)
            seconds = len(part.wav) / SAMPLE_RATE
            dry, sound = max(dry, now) + seconds, sound + seconds
        elif isinstance(part, PieceEnd):
            attempts += part.attempts
    return Experience(first, first_cpu, time.monotonic() - asked, sound, gaps, attempts)


async def crowd(
    engine: SpeechEngine, orders: Sequence[SpeechOrder], clients: int, rounds: int
) -> tuple[list[Experience], float, float]:
    """Each client asks `rounds` times, one after another; also the seconds that all took, on the
    clock and of processor time."""

    async def client(number: int) -> list[Experience]:
        return [
            await listen(engine, orders[(number + turn * clients) % len(orders)])
            for turn in range(rounds)
        ]

    begun, cpu = time.monotonic(), time.process_time()
    found = await asyncio.gather(*(client(number) for number in range(clients)))
    every = [one for each in found for one in each]
    return every, time.monotonic() - begun, time.process_time() - cpu


def summary(found: Sequence[Experience], seconds: float, cpu_seconds: float) -> dict[str, float]:
    """`throughput` is seconds of sound a second; `rtf` its inverse as one client sees it;
    `gap_share` the silence that players put in, of the sound; `gapless` the share of requests
    without any. Values of the clock tell little on a machine with other work; those with `cpu` are
    of processor time: until the first sound (of use with one client), and a second of sound."""
    sound = sum(one.sound for one in found)
    return {
        "first_sound_median_ms": 1000 * _quantile((one.first_sound for one in found), 0.5),
        "first_sound_p95_ms": 1000 * _quantile((one.first_sound for one in found), 0.95),
        "first_sound_cpu_median_ms": 1000 * _quantile((one.first_sound_cpu for one in found), 0.5),
        "cpu_a_sound_second": cpu_seconds / sound,
        "rtf_median": _quantile((one.whole / one.sound for one in found), 0.5),
        "throughput": sound / seconds,
        "gap_share": sum(one.gaps for one in found) / sound,
        "gapless": sum(one.gaps < 0.01 for one in found) / len(found),
    }


def _quantile(values: Iterable[float], share: float) -> float:
    return float(np.quantile(list(values), share))
