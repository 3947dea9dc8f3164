from pathlib import Path

import numpy as np
import pytest
import torch

from ray_pipeline.core.errors import InvalidInput
from ray_pipeline.models.mini.config import tiny_config
from ray_pipeline.models.mini.files import new_base, save_durations, save_synthesizer
from ray_pipeline.models.mini.tokens import EDGE_ID, runs
from ray_pipeline.models.mini.voice import MiniVoice

PHONES = [100, 101, 101, 102]


@pytest.fixture
def voice() -> MiniVoice:
    torch.manual_seed(0)
    base = new_base(tiny_config())
    base.durations.eval()
    return MiniVoice(base.durations, base.synthesizer.eval(), torch.zeros(162))


def test_a_seed_gives_one_waveform(voice: MiniVoice) -> None:
    first, second = (voice.speak(PHONES, "en", seed=7) for _ in range(2))

    np.testing.assert_array_equal(first, second)
    assert first.dtype == np.float32
    assert np.abs(first).max() <= 1


def test_the_text_stands_between_silences_and_no_phone_is_lost(voice: MiniVoice) -> None:
    phones, _ = runs(voice.tokens(PHONES))

    assert phones.tolist() == [EDGE_ID, 100, 101, 102, EDGE_ID]


def test_twice_the_speed_is_about_half_as_long(voice: MiniVoice) -> None:
    phones = [100 + number % 7 for number in range(200)]
    with torch.no_grad():
        voice.durations.head.bias.fill_(2.5)

    usual, fast = (len(voice.tokens(phones, speed=speed)) for speed in (1.0, 2.0))

    assert fast == pytest.approx(usual / 2, rel=0.05)


def test_energy_scales_the_waveform(voice: MiniVoice) -> None:
    usual, quiet = (voice.speak(PHONES, "en", energy=energy) for energy in (0.2, 0.1))

    np.testing.assert_allclose(quiet, usual / 2, atol=1e-6)


def test_languages_that_were_not_learned_are_refused(voice: MiniVoice) -> None:
    with pytest.raises(InvalidInput, match="does not speak 'ko'"):
        voice.speak(PHONES, "ko")


def test_a_voice_of_the_first_base_which_knew_english_alone_is_to_be_trained_again(
    voice: MiniVoice, tmp_path: Path
) -> None:
    first, second = tmp_path / "d.safetensors", tmp_path / "s.safetensors"
    save_durations(first, voice.durations, voice.speaker, tiny_config())
    save_synthesizer(second, voice.synthesizer, tiny_config())
    old = MiniVoice.load(first, second)

    assert len(old.speak(PHONES, "en"))
    with pytest.raises(InvalidInput, match="older base model mini, which knew only en"):
        old.speak(PHONES, "zh")


@pytest.mark.parametrize("speed", [0.0, 3.0])
def test_a_speed_that_nobody_speaks_at_is_refused(voice: MiniVoice, speed: float) -> None:
    with pytest.raises(InvalidInput, match="cannot be spoken"):
        voice.tokens(PHONES, speed=speed)
