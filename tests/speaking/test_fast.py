"""latency "fast": sound before a piece has all of its tokens."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ray_pipeline.speaking.engine import SpeechEngine
from ray_pipeline.speaking.limits import EngineLimits
from ray_pipeline.speaking.order import Part, PieceEnd, Sound, SpeechOrder
from tests.speaking.conftest import Voices, all_parts, heard, order, speak

# Untrained, the voice ends where it happens to; with this seed the pieces are long.
SEED = 4


def fast(voices: Voices, seed: int = SEED) -> SpeechOrder:
    return replace(order(voices.nano[0], seed=seed), latency="fast")


def sounds(parts: list[Part], piece: int) -> list[Sound]:
    return [part for part in parts if isinstance(part, Sound) and part.piece == piece]


def ends(parts: list[Part]) -> list[PieceEnd]:
    return [part for part in parts if isinstance(part, PieceEnd)]


def test_a_piece_comes_in_growing_stretches(engine: SpeechEngine, voices: Voices) -> None:
    parts = speak(engine, fast(voices))
    long = max(ends(parts), key=lambda end: end.num_tokens)
    assert long.num_tokens > 26
    stretches = [len(sound.wav) / 32000 for sound in sounds(parts, long.piece)]
    # Ten tokens are twenty frames, five of which wait for what follows.
    assert stretches[0] == pytest.approx(15 * 0.02)
    assert stretches[1] == pytest.approx(32 * 0.02)
    assert sum(stretches) == pytest.approx(long.num_tokens / 25 + 0.1)
    assert long.seconds == pytest.approx(long.num_tokens / 25)


def test_it_says_the_same_tokens_and_nearly_the_same_sound(
    engine: SpeechEngine, voices: Voices
) -> None:
    quality, quick = (
        speak(engine, replace(fast(voices), latency="quality")),
        speak(engine, fast(voices)),
    )
    for whole, parted in zip(ends(quality), ends(quick), strict=True):
        if whole.attempts == parted.attempts == 1:
            assert whole.num_tokens == parted.num_tokens
    assert len(heard(quick)) > 0


def test_company_changes_nothing_of_it(voices: Voices) -> None:
    orders = [fast(voices, seed=SEED + number) for number in range(2)]

    async def together(engine: SpeechEngine) -> list[list[Part]]:
        return await asyncio.gather(
            *(all_parts(engine, one, after=0.05 * n) for n, one in enumerate(orders))
        )

    with SpeechEngine(Path("nowhere"), limits=EngineLimits(max_rows=2)) as engine:
        spoken = asyncio.run(together(engine))
        for one, parts in zip(orders, spoken, strict=True):
            np.testing.assert_allclose(heard(speak(engine, one)), heard(parts), atol=1e-4)


def test_mini_sends_whole_pieces(engine: SpeechEngine, voices: Voices) -> None:
    quick = replace(order(voices.mini[0]), latency="fast")
    whole = speak(engine, replace(quick, latency="quality"))
    np.testing.assert_array_equal(heard(speak(engine, quick)), heard(whole))
