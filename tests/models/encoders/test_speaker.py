from pathlib import Path

import numpy as np
import pytest
import torch

from ray_pipeline.core.errors import BackendMissing, BadModelFile
from ray_pipeline.core.pretrained_bases import BASE_MODELS, SPEAKER_ENCODER_FILE
from ray_pipeline.models.encoders.speaker import (
    NanoSpeakerEncoder,
    filter_bank,
    load_speaker_encoder,
    to_16k,
)
from tests import speech

CLIPS = speech.names()


def nano(wav: np.ndarray) -> torch.Tensor:
    return NanoSpeakerEncoder()(wav.astype(np.float32), 32_000)


def test_nano_gives_one_vector_of_the_size_in_the_table() -> None:
    vector = nano(speech.clip(CLIPS[0]))
    assert vector.shape == (1, 160)
    assert BASE_MODELS["nano"].speaker_dim == NanoSpeakerEncoder.speaker_dim == 160
    assert torch.isfinite(vector).all()


def test_nano_does_not_take_loudness_for_a_trait_of_the_voice() -> None:
    wav = speech.clip(CLIPS[0])
    torch.testing.assert_close(nano(wav), nano(0.1 * wav), atol=1e-3, rtol=0)


def test_nano_finds_two_clips_of_one_speaker_nearer_than_a_changed_voice() -> None:
    first, second = (nano(speech.clip(name)) for name in CLIPS[:2])
    wav = speech.clip(CLIPS[0])
    # Played a third faster, everything lies higher: another voice.
    faster = np.interp(np.arange(0, len(wav), 4 / 3), np.arange(len(wav)), wav)
    changed = nano(faster)
    assert torch.dist(first, second) < 0.7 * torch.dist(first, changed)


def test_the_filter_bank_has_a_frame_every_10_ms() -> None:
    assert filter_bank(torch.randn(16_000)).shape == (98, 80)


def test_resampling_keeps_the_duration() -> None:
    assert to_16k(np.zeros(32_000, np.float32), 32_000).shape == (16_000,)


def test_v1_and_v2_have_no_speaker_encoder(tmp_path: Path) -> None:
    assert load_speaker_encoder(BASE_MODELS["v1"], tmp_path) is None
    assert load_speaker_encoder(BASE_MODELS["v2"], tmp_path) is None


def test_absent_weights_are_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(BackendMissing, match="gsv models pull"):
        load_speaker_encoder(BASE_MODELS["v2Pro"], tmp_path)


@pytest.mark.parametrize("content", [b"", b"not a model", b"PK\x03\x04 cut off"])
def test_damaged_weights_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / SPEAKER_ENCODER_FILE
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(BadModelFile, match="pull"):
        load_speaker_encoder(BASE_MODELS["v2Pro"], tmp_path)
