import numpy as np
import pytest

from ray_pipeline.text import phonemize
from ray_pipeline.voice.checking import check, looped_seconds
from ray_pipeline.voice.speech import Said

PHONES = phonemize("Printing is an old art, and it is done by hand.", "en")


def said(seconds: float, *, ended: bool = True) -> Said:
    tokens = np.random.default_rng(0).integers(0, 1024, int(seconds * 25))
    return Said(tokens.tolist(), ended)


def test_a_piece_of_a_usual_length_is_good() -> None:
    assert not check(PHONES, said(3.0), 25).problem


def test_no_end_is_the_worst() -> None:
    verdict = check(PHONES, said(60.0, ended=False), 25)
    assert "No end" in verdict.problem
    assert verdict.badness > check(PHONES, said(0.5), 25).badness > 0


def test_too_fast_means_that_words_are_missing() -> None:
    assert "words are missing" in check(PHONES, said(1.0), 25).problem
    # 20 phones a second: too fast for a slow reference, not for one that is unknown.
    seconds = len(PHONES.phones) / 20
    assert check(PHONES, said(seconds), 25, usual_rate=6.0).problem
    assert not check(PHONES, said(seconds), 25).problem


def test_a_single_word_may_be_fast() -> None:
    assert not check(phonemize("Yes.", "en"), said(0.2), 25).problem


def test_too_slow_means_that_something_was_added() -> None:
    assert "added" in check(PHONES, said(40.0), 25).problem


@pytest.mark.parametrize("period", [1, 2, 7, 24])
def test_a_stretch_that_repeats_itself_is_a_loop(period: int) -> None:
    tokens = said(2.0).tokens
    looping = tokens[:20] + tokens[20 : 20 + period] * max(4, 60 // period) + tokens[20:]
    found = looped_seconds(np.array(looping), 25)
    assert found == pytest.approx(period * max(4, 60 // period) / 25, abs=2 * period / 25)
    assert "again and again" in check(PHONES, Said(looping, ended=True), 25).problem


@pytest.mark.parametrize("tokens", [[], [3], [3] * 25, [1, 2] * 10])
def test_a_short_pause_is_no_loop(tokens: list[int]) -> None:
    assert looped_seconds(np.array(tokens, dtype=int), 25) == 0
