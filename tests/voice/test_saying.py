from __future__ import annotations

from collections.abc import Collection

import numpy as np
import torch

from ray_pipeline.core.speech import Reference, SpeechSettings
from ray_pipeline.voice.gpt_sovits import GptSovitsVoice
from ray_pipeline.voice.saying import MOST_ATTEMPTS, Attempts, say, seed_of
from ray_pipeline.voice.speech import Reading, Said, TokenMaker

TEXT = "Hello there. Printing is an old art."


class Failing:
    """What a voice's decoder makes, but for the first `failures` seeds of piece 0, which loop."""

    def __init__(self, maker: TokenMaker, failures: int) -> None:
        self._maker, self._failures = maker, failures
        self._spoilt: set[int] = set()
        self.seeds: list[int] = []

    num_free = property(lambda self: self._maker.num_free)
    num_running = property(lambda self: self._maker.num_running)

    def begin(self, reading: Reading, number: int, seed: int) -> int:
        row = self._maker.begin(reading, number, seed)
        if number == 0:
            self.seeds.append(seed)
            if len(self.seeds) <= self._failures:
                self._spoilt.add(row)
        return row

    def drop(self, row: int) -> None:
        self._maker.drop(row)

    def tokens(self, row: int) -> list[int]:
        return self._maker.tokens(row)

    def step(self, only: Collection[int] | None = None) -> list[tuple[int, Said]]:
        return [(row, self._spoil(row, said)) for row, said in self._maker.step(only)]

    def _spoil(self, row: int, said: Said) -> Said:
        if row not in self._spoilt:
            return said
        self._spoilt.discard(row)
        return Said(said.tokens[:5] * 20, said.ended)


def reading(voice: GptSovitsVoice, reference: Reference, **settings: object) -> Reading:
    return voice.read(TEXT, "en", reference, SpeechSettings(seed=1, **settings))  # type: ignore[arg-type]


def test_a_piece_that_came_out_badly_is_said_again_with_the_next_seed(
    voice: GptSovitsVoice, reference: Reference
) -> None:
    text = reading(voice, reference)
    failing = Failing(voice.token_maker(8), failures=1)
    spoken = say(text, failing)
    plain = say(text, voice.token_maker(8))
    assert failing.seeds == [seed_of(1, 0, 0), seed_of(1, 0, 1)]
    assert spoken.pieces[0].attempts == 2
    assert not spoken.pieces[0].problem
    assert spoken.pieces[0].tokens != plain.pieces[0].tokens
    assert spoken.pieces[1] == plain.pieces[1]


def test_each_attempt_draws_other_numbers() -> None:
    drawn = {
        torch.rand(1, generator=torch.Generator().manual_seed(seed_of(1, number, attempt))).item()
        for number in range(3)
        for attempt in range(MOST_ATTEMPTS)
    }
    assert len(drawn) == 9
    assert seed_of(5, 2, 0) == 7
    assert 0 <= seed_of(2**31 - 1, 10**6, 2) < 2**32


def test_after_three_attempts_the_best_is_kept_and_its_problem_told(
    voice: GptSovitsVoice, reference: Reference
) -> None:
    failing = Failing(voice.token_maker(8), failures=9)
    told: list[tuple[int, int]] = []
    spoken = say(reading(voice, reference), failing, lambda *step: told.append(step))
    assert spoken.pieces[0].attempts == MOST_ATTEMPTS == 3
    assert "again and again" in spoken.pieces[0].problem
    assert told[-1] == (4, 4)


def test_of_bad_attempts_the_least_bad_is_kept(voice: GptSovitsVoice, reference: Reference) -> None:
    attempts = Attempts(reading(voice, reference), 0)
    tokens = np.random.default_rng(0).integers(0, 512, 60).tolist()
    assert not attempts.judge(Said(tokens, ended=False))
    assert not attempts.judge(Said(tokens[:5] * 20, ended=True))
    assert attempts.judge(Said(tokens, ended=False))
    assert attempts.best.said.tokens == tokens[:5] * 20


def test_the_original_says_everything_once(voice: GptSovitsVoice, reference: Reference) -> None:
    failing = Failing(voice.token_maker(8), failures=9)
    spoken = say(reading(voice, reference, strict_compat=True), failing)
    assert [piece.attempts for piece in spoken.pieces] == [1, 1]


def test_a_piece_that_finds_no_end_is_stopped_when_nothing_can_save_it(
    voice: GptSovitsVoice, reference: Reference
) -> None:
    text = reading(voice, reference)
    row = voice.token_maker(1)
    row._decoder._forbidden[-1] = True  # the end mark
    row.begin(text, 0, 1)
    said = [said for _ in range(voice.limit_tokens) for _, said in row.step()]
    seconds = len(text.pieces[0].phones) / 2 + 4
    assert not said[0].ended
    assert len(said[0].tokens) / 25 <= seconds + 0.1
