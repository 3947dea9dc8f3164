import numpy as np
import pytest
import soxr
from numpy.typing import NDArray

from ray_pipeline.audio.levels import rms, si_sdr
from ray_pipeline.audio.noise_floor import keep_speech
from ray_pipeline.core.audio_format import SAMPLE_RATE
from tests.audio.signals import speech


@pytest.fixture(scope="module")
def clean() -> NDArray[np.float32]:
    waveform, rate = speech("LJ001-0043")
    return soxr.resample(waveform, rate, SAMPLE_RATE).astype(np.float32)


@pytest.fixture(scope="module")
def noise(clean: NDArray[np.float32]) -> NDArray[np.float32]:
    """20 dB below the speech."""
    white = np.random.default_rng(0).standard_normal(len(clean))
    return (white * rms(clean) / 10).astype(np.float32)


def test_speech_that_was_taken_with_the_noise_is_put_back(
    clean: NDArray[np.float32], noise: NDArray[np.float32]
) -> None:
    holes = np.where(np.arange(len(clean)) // 3200 % 2, 0.3, 1).astype(np.float32)
    damaged = clean * holes
    restored = keep_speech(damaged, clean + noise, SAMPLE_RATE)
    assert si_sdr(restored, clean) > si_sdr(damaged, clean) + 10


def test_noise_that_was_taken_stays_away(
    clean: NDArray[np.float32], noise: NDArray[np.float32]
) -> None:
    assert si_sdr(keep_speech(clean, clean + noise, SAMPLE_RATE), clean) > 30  # 20 before


def test_a_recording_without_noise_stays_as_it_is(clean: NDArray[np.float32]) -> None:
    gated = np.where(np.abs(clean) > 0.01, clean, 0).astype(np.float32)
    padded = np.concatenate([np.zeros(SAMPLE_RATE, np.float32), gated])
    assert si_sdr(keep_speech(padded * 0.5, padded, SAMPLE_RATE), padded) > 25


def test_the_level_of_a_recording_does_not_matter(
    clean: NDArray[np.float32], noise: NDArray[np.float32]
) -> None:
    loud = keep_speech(clean * 0.5, clean + noise, SAMPLE_RATE)
    quiet = keep_speech(clean * 0.005, (clean + noise) * 0.01, SAMPLE_RATE)
    np.testing.assert_allclose(quiet * 100, loud, atol=1e-4)


@pytest.mark.parametrize("num_samples", [0, 1, 100, 1023, 1024, 3200, 32_001])
@pytest.mark.parametrize("level", [0.0, 0.1])
def test_any_length_is_kept_also_of_silence(num_samples: int, level: float) -> None:
    noisy = np.full(num_samples, level, np.float32)
    result = keep_speech(noisy * 0.5, noisy, SAMPLE_RATE)
    assert result.shape == (num_samples,)
    assert result.dtype == np.float32
    assert np.isfinite(result).all()
