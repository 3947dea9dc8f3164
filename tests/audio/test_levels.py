import numpy as np
import pytest

from ray_pipeline.audio.levels import FLOOR_DB, from_db, peak, rms, si_sdr, to_db
from tests.audio.signals import tone


def test_a_sine_of_full_scale_is_three_db_below_it() -> None:
    assert to_db(rms(tone(1, 32_000, peak=1))) == pytest.approx(-3.01, abs=0.01)


def test_decibels_go_back_and_forth() -> None:
    assert to_db(from_db(-34)) == pytest.approx(-34)
    assert to_db(0) == FLOOR_DB


def test_nothing_has_no_level() -> None:
    assert (peak(np.zeros(0, np.float32)), rms(np.zeros(0, np.float32))) == (0, 0)


def test_si_sdr_ignores_level_and_counts_noise() -> None:
    signal = tone(1, 32_000)
    noise = tone(1, 32_000, hz=1000, peak=0.05)
    assert si_sdr(0.3 * (signal + noise), signal) == pytest.approx(20, abs=0.01)
