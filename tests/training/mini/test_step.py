import numpy as np
import pytest
import torch

from ray_pipeline.models.mini.config import tiny_config
from ray_pipeline.models.mini.files import new_base
from ray_pipeline.models.mini.sound import analyse
from ray_pipeline.models.mini.tokens import EDGE_ID
from ray_pipeline.training.mini.data import (
    MiniClip,
    acoustic_batch,
    as_float,
    as_int16,
    duration_batch,
    vocoder_batch,
)
from ray_pipeline.training.mini.recipe import Schedule, StageRecipe
from ray_pipeline.training.mini.step import (
    Stepper,
    acoustic_losses,
    duration_losses,
    optimizer_of,
    spectral_distance,
    vocoder_losses,
)
from tests.models.mini.speech import buzz

RECIPE = StageRecipe(schedule=Schedule(steps=30, learning_rate=1e-2, warmup=1), batch_size=2)


def clips() -> list[MiniClip]:
    sounds = [analyse(buzz(seconds=seconds, hz=hz)) for seconds, hz in ((0.6, 120), (1.0, 220))]
    return [
        MiniClip.of(str(number), sound, np.repeat([1, 50, 60, 1], sound.num_tokens // 4 + 1),
                    sound.speaker)
        for number, sound in enumerate(sounds)
    ]  # fmt: skip


def test_clips_are_cut_to_the_shorter_of_sound_and_tokens() -> None:
    first, _ = clips()

    assert first.frames.sum() == 30
    assert first.mel.shape == (60, 80)
    assert first.wav is not None
    assert len(first.wav) == 30 * 640


def test_long_silence_at_the_ends_of_a_clip_is_not_learned() -> None:
    sound = analyse(buzz(seconds=1.0, hz=150))
    tokens = np.repeat([EDGE_ID, 50, 60, EDGE_ID], [20, 10, 5, 15])

    clip = MiniClip.of("a", sound, tokens, sound.speaker)

    assert clip.frames.tolist() == [8, 10, 5, 8]
    assert len(clip.mel) == len(clip.pitch_hz) == 2 * 31
    np.testing.assert_array_equal(clip.mel, sound.mel[24:86])
    assert clip.wav is not None
    np.testing.assert_array_equal(clip.wav, sound.wav[12 * 640 : 43 * 640])


def test_durations_are_learned() -> None:
    torch.manual_seed(0)
    model = new_base(tiny_config()).durations
    batch = duration_batch(clips(), model.phones.padding)
    stepper = Stepper(model, optimizer_of(model, RECIPE), RECIPE)

    losses = [stepper.step(duration_losses(model, batch))["durations"] for _ in range(30)]

    assert losses[-1] < 0.2 * losses[0]


def test_mel_pitch_and_voicing_are_learned() -> None:
    torch.manual_seed(0)
    model = new_base(tiny_config()).synthesizer.acoustic
    batch = acoustic_batch(clips(), model.phones.padding)
    stepper = Stepper(model, optimizer_of(model, RECIPE), RECIPE)

    losses = [stepper.step(acoustic_losses(model, batch)) for _ in range(30)]

    assert set(losses[0]) == {"mel", "pitch", "voicing"}
    assert losses[-1]["mel"] < 0.6 * losses[0]["mel"]
    assert losses[-1]["voicing"] < losses[0]["voicing"]


def test_the_vocoder_comes_nearer_to_the_recording() -> None:
    torch.manual_seed(0)
    model = new_base(tiny_config()).synthesizer.vocoder
    batch = vocoder_batch(clips(), 40, np.random.default_rng(0))
    stepper = Stepper(model, optimizer_of(model, RECIPE), RECIPE)

    noise = torch.Generator().manual_seed(0)
    losses = [stepper.step(vocoder_losses(model, batch, noise))["spectrum"] for _ in range(15)]

    assert losses[-1] < 0.8 * losses[0]


def test_bands_above_the_end_of_a_recording_do_not_count() -> None:
    torch.manual_seed(0)
    low = torch.randn(1, 16_000) * 0.01
    time = torch.arange(16_000) / 32_000
    with_whistle = low + 0.1 * torch.sin(2 * torch.pi * 12_000 * time)

    whole = spectral_distance(with_whistle, low, torch.tensor([torch.inf]))
    below = spectral_distance(with_whistle, low, torch.tensor([8000.0]))

    assert float(whole) > 0.05
    assert float(below) < 0.01


def test_short_clips_get_silence_behind_in_a_slice() -> None:
    batch = vocoder_batch(clips(), 80, np.random.default_rng(0))

    assert batch.wav.shape == (2, 80 * 320)
    assert not batch.wav[0, 60 * 320 :].any()


def test_the_rate_rises_and_falls() -> None:
    schedule = Schedule(steps=100, learning_rate=1.0, warmup=10)

    assert schedule.rate_at(0) == pytest.approx(0.1)
    assert schedule.rate_at(10) == pytest.approx(0.976, abs=0.01)
    assert schedule.rate_at(100) == 0.05


def test_waveforms_above_one_survive_sixteen_bits() -> None:
    wav = np.array([-2.5, 0.0, 0.1, 3.0], np.float32)

    np.testing.assert_allclose(as_float(as_int16(wav)), wav, atol=1e-4)
