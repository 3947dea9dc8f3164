from pathlib import Path

import numpy as np
import pytest
import torch

from ray_pipeline.audio.wav import to_int16, write_int16
from ray_pipeline.core.pretrained_bases import base_model
from ray_pipeline.core.workspace import Experiment
from ray_pipeline.judging.likeness import by_vectors, likeness_to
from ray_pipeline.models.encoders.speaker import NanoSpeakerEncoder
from tests import speech

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def experiment(tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    """The four clips of one reader."""
    made, encoder = Experiment(tmp_path_factory.mktemp("speaker")), NanoSpeakerEncoder()
    made.speaker_vectors.mkdir()
    for name in speech.names():
        wav = speech.clip(name)
        write_int16(made.wave_of(f"{name}.wav"), to_int16(wav))
        torch.save(encoder(wav, 32_000), made.speaker_vector_of(f"{name}.wav"))
    return made


@pytest.mark.parametrize("base", ["mini", "nano"])
def test_the_speaker_is_like_herself_and_a_changed_voice_is_less(
    base: str, experiment: Experiment
) -> None:
    *clips, last = [f"{name}.wav" for name in speech.names()]
    likeness = likeness_to(base_model(base), Path("nowhere"), CPU, experiment, clips)
    assert likeness is not None
    wav = speech.clip(last.removesuffix(".wav"))
    # Played a third faster: formants and pitch of somebody smaller.
    other = np.interp(np.arange(0, len(wav) - 1, 4 / 3), np.arange(len(wav)), wav)
    own, changed = likeness.of(wav), likeness.of(other.astype(np.float32))
    noise = likeness.of(0.1 * np.random.default_rng(0).standard_normal(64_000).astype(np.float32))
    assert own is not None
    assert changed is not None
    assert noise is not None
    assert own > 0.5
    assert own > 1.3 * changed
    assert noise < 0.4 * own


def test_as_near_as_the_clips_are_is_1_and_twice_as_far_is_a_half() -> None:
    angles = np.array([-0.2, 0.2])
    own = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    far = float(np.arccos(1 - 2 * (1 - np.cos(0.2))))

    def vector(wav: np.ndarray) -> np.ndarray:
        return np.array([np.cos(wav[0]), np.sin(wav[0])], np.float32)

    likeness = by_vectors(own, vector, measure="angles")
    assert likeness.of(np.array([0.0], np.float32)) == 1
    assert likeness.of(np.array([0.2], np.float32)) == pytest.approx(1, abs=1e-3)
    assert likeness.of(np.array([far], np.float32)) == pytest.approx(0.5, abs=1e-2)


def test_clips_too_short_to_tell_give_none(tmp_path: Path) -> None:
    made = Experiment(tmp_path)
    write_int16(made.wave_of("a.wav"), np.zeros(3000, np.int16))
    assert likeness_to(base_model("mini"), Path("nowhere"), CPU, made, ["a.wav"]) is None
