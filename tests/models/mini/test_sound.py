import numpy as np
import pytest

from ray_pipeline.models.mini.sound import analyse, at_speech_level, middle_pitch_hz, pitch
from tests.models.mini.speech import buzz


def test_a_clip_has_a_frame_each_320_samples() -> None:
    sound = analyse(buzz(seconds=1.003, hz=120))

    assert sound.num_tokens == 50
    assert len(sound.wav) == 32_000
    assert sound.mel.shape == (100, 80)
    assert sound.pitch_hz.shape == (100,)
    assert sound.speaker.shape == (162,)


@pytest.mark.parametrize("hz", [90, 150, 260])
def test_pitch_is_found_within_two_percent(hz: int) -> None:
    found = pitch(buzz(seconds=1.0, hz=hz))

    assert np.median(found[found > 0]) == pytest.approx(hz, rel=0.02)
    assert (found > 0).mean() > 0.8


def test_noise_and_silence_have_no_pitch() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 32_000).astype(np.float32)

    assert (pitch(noise) > 0).mean() < 0.1
    assert not pitch(np.zeros(32_000, np.float32)).any()


def test_level_does_not_depend_on_gain_or_pauses() -> None:
    wav = buzz(seconds=1.0, hz=150)
    with_pause = np.concatenate([wav, np.zeros_like(wav)])

    loud, quiet = at_speech_level(0.9 * wav), at_speech_level(0.01 * with_pause)

    np.testing.assert_allclose(loud, quiet[: len(loud)], rtol=1e-4, atol=1e-6)
    assert np.sqrt(np.square(loud).mean()) == pytest.approx(0.08, rel=0.02)


@pytest.mark.parametrize("samples", [0, 1000])
def test_too_short_a_clip_is_refused(samples: int) -> None:
    with pytest.raises(ValueError, match=r"silent|shorter than 100 ms"):
        analyse(np.ones(samples, np.float32))


def test_silence_is_refused() -> None:
    with pytest.raises(ValueError, match="silent"):
        analyse(np.zeros(32_000, np.float32))


def test_the_vector_knows_the_middle_of_the_pitch() -> None:
    import torch

    speaker = torch.from_numpy(analyse(buzz(seconds=1.0, hz=120)).speaker)

    assert float(middle_pitch_hz(speaker)) == pytest.approx(120, rel=0.02)
