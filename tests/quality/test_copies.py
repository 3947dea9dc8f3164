from collections.abc import Callable

import numpy as np
import pytest

from ray_pipeline.quality.copies import audio_fingerprint, find_copies
from tests.quality.broken_sets import RATE, Wave, noisy, one_speaker, telephone

CHANGES: dict[str, Callable[[Wave], Wave]] = {
    "quieter": lambda wave: wave * np.float32(0.2),
    "starts later": lambda wave: wave[int(0.217 * RATE) :],
    "padded": lambda wave: np.concatenate([np.zeros(RATE // 2, np.float32), wave]),
    "telephone": telephone,
    "noisy": lambda wave: noisy(wave, 10),
    "its first two thirds": lambda wave: wave[: len(wave) * 2 // 3],
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_copy_is_found_whatever_was_done_to_it(name: str) -> None:
    waves = one_speaker()
    fingerprints = [audio_fingerprint(wave, RATE) for wave in [*waves, CHANGES[name](waves[1])]]
    assert find_copies(fingerprints) == [(1, len(waves))]


def test_other_sentences_silence_and_clicks_are_no_copies() -> None:
    nothing = [np.zeros(RATE, np.float32), np.zeros(RATE, np.float32), np.zeros(5, np.float32)]
    assert find_copies([audio_fingerprint(wave, RATE) for wave in [*one_speaker(), *nothing]]) == []
    assert find_copies([]) == []
