from pathlib import Path

import numpy as np
import pytest
import torch

from ray_pipeline.core.errors import BackendMissing
from ray_pipeline.core.pretrained_bases import BASE_MODELS
from ray_pipeline.models.encoders.content import (
    HubertEncoder,
    NanoContentEncoder,
    load_content_encoder,
    loudness_mix,
    mixed_int16,
    to_rate,
)
from tests import speech

CLIP = speech.names()[0]


@pytest.fixture(scope="module")
def nano() -> NanoContentEncoder:
    return NanoContentEncoder()


@pytest.fixture(scope="module")
def tiny_hubert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A HuBERT of the real layout (seven convolutions, 50 Hz) with two small layers."""
    from transformers import HubertConfig, HubertModel

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("models") / "chinese-hubert-base"
    config = HubertConfig(
        hidden_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        conv_dim=(32,) * 7,
        num_conv_pos_embedding_groups=4,
    )
    HubertModel(config).save_pretrained(folder)
    return folder


def test_nano_gives_a_frame_for_every_640_samples(nano: NanoContentEncoder) -> None:
    wav = speech.clip(CLIP)
    for samples in (640 * 7, 640 * 7 + 639, 640 * 8, len(wav)):
        assert nano(wav[:samples], 32_000).shape == (1, 80, samples // 640)


def test_nano_hears_the_same_at_any_level(nano: NanoContentEncoder) -> None:
    wav = speech.clip(CLIP)
    torch.testing.assert_close(nano(wav, 32_000), nano(0.05 * wav, 32_000), atol=1e-4, rtol=0)


def test_nano_hears_the_written_training_clip_as_the_clip_itself(nano: NanoContentEncoder) -> None:
    wav = speech.clip(CLIP)
    written = mixed_int16(wav) / np.float32(32768)
    difference = (nano.of_training_clip(wav) - nano(written, 32_000)).abs()
    assert difference.mean() < 0.01


def test_nano_takes_other_sample_rates(nano: NanoContentEncoder) -> None:
    from_16k = nano(speech.clip(CLIP, 16_000), 16_000)
    from_32k = nano(speech.clip(CLIP), 32_000)
    assert abs(from_16k.shape[2] - from_32k.shape[2]) <= 1
    frames = min(from_16k.shape[2], from_32k.shape[2])
    # The last bins lie at the edge of what 16 kHz can hold.
    same = (from_16k[..., :frames] - from_32k[..., :frames])[:, :70].abs().mean()
    assert same < 0.05


def test_nano_bears_silence(nano: NanoContentEncoder) -> None:
    features = nano(np.zeros(6400, np.float32), 32_000)
    assert torch.isfinite(features).all()


def test_nano_tells_sounds_apart(nano: NanoContentEncoder) -> None:
    time = np.arange(32_000) / 32_000
    low = nano(np.sin(2 * np.pi * 300 * time).astype(np.float32), 32_000)
    high = nano(np.sin(2 * np.pi * 3000 * time).astype(np.float32), 32_000)
    assert low.mean(2).argmax() < 12 < 40 < high.mean(2).argmax()


def test_hubert_gives_50_frames_a_second(tiny_hubert: Path) -> None:
    encoder = HubertEncoder.load(tiny_hubert)
    wav = speech.clip(CLIP)[:32_000]
    assert encoder(wav, 32_000).shape == (1, 48, 49)
    assert encoder.of_training_clip(wav).shape == (1, 48, 49)
    assert encoder.ssl_dim == 48


def test_hubert_hears_training_clips_at_their_own_scale(tiny_hubert: Path) -> None:
    encoder = HubertEncoder.load(tiny_hubert)
    quiet = 0.001 * speech.clip(CLIP)[:32_000]
    plain, training = encoder(quiet, 32_000), encoder.of_training_clip(quiet)
    assert (plain - training).abs().max() > 1e-3


def test_hubert_without_its_files_says_how_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(BackendMissing, match="gsv models pull"):
        load_content_encoder(BASE_MODELS["v2ProPlus"], tmp_path)


def test_the_table_chooses_the_encoder(tmp_path: Path) -> None:
    encoder = load_content_encoder(BASE_MODELS["nano"], tmp_path)
    assert isinstance(encoder, NanoContentEncoder)
    assert encoder.ssl_dim == BASE_MODELS["nano"].ssl_dim


def test_the_loudness_mix_brings_quiet_clips_up_and_keeps_loud_ones() -> None:
    wav = speech.clip(CLIP)
    quiet = 0.1 * wav / np.abs(wav).max()
    assert np.abs(loudness_mix(quiet, 1.0)).max() == pytest.approx(0.475 + 0.05, abs=1e-6)
    full = wav / np.abs(wav).max()
    assert np.abs(loudness_mix(full, 1.0)).max() == pytest.approx(0.975, abs=1e-6)


def test_samples_beyond_full_scale_wrap_around_as_in_the_original() -> None:
    samples = mixed_int16(np.array([1.2, -0.00001, 0.6], np.float32))
    beyond = 0.475 * 32768 + 0.6 * 32768
    assert samples.tolist() == [int(beyond) - 65536, 0, int(beyond / 2)]


@pytest.mark.parametrize(
    ("from_hz", "to_hz"), [(22_050, 32_000), (32_000, 16_000), (44_100, 16_000)]
)
def test_resampling_is_that_of_librosa(from_hz: int, to_hz: int) -> None:
    import librosa

    wav = speech.clip(CLIP)[:24_001]
    expected = librosa.resample(wav, orig_sr=from_hz, target_sr=to_hz)
    np.testing.assert_array_equal(to_rate(wav, from_hz, to_hz), expected)
