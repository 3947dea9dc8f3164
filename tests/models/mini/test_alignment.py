import numpy as np
import pytest
import torch

from ray_pipeline.models.mini.alignment import Aligner, settle_pauses
from ray_pipeline.models.mini.config import tiny_config
from ray_pipeline.models.mini.files import new_base
from ray_pipeline.models.mini.sound import Sound, analyse
from ray_pipeline.models.mini.tokens import EDGE_ID, runs, tokens_of, with_edges
from ray_pipeline.text.symbols import symbol_table
from tests.models.mini.speech import buzz

COMMA = symbol_table("v2")[","]


def test_what_the_base_itself_read_is_aligned_to_a_frame() -> None:
    torch.manual_seed(0)
    base = new_base(tiny_config())
    aligner = Aligner(base.durations.eval(), base.synthesizer.eval())
    phones = [100, 120, 140, 160, 180]
    ids = with_edges(phones)
    frames = np.array([4, 6, 9, 5, 8, 7, 5])
    read = base.synthesizer.frames(tokens_of(ids, frames), torch.zeros(162))
    sound = Sound(
        np.zeros(frames.sum() * 640, np.float32),
        read.mel[0].numpy(),
        np.zeros(2 * frames.sum(), np.float32),
    )

    aligned = aligner(phones, sound)

    found, lengths = runs(aligned.tokens)
    assert found.tolist() == ids.tolist()
    assert len(aligned.tokens) == frames.sum()
    assert np.abs(np.cumsum(lengths) - np.cumsum(frames)).max() <= 3


def test_more_phones_than_frames_are_refused() -> None:
    base = new_base(tiny_config())
    aligner = Aligner(base.durations.eval(), base.synthesizer.eval())

    with pytest.raises(ValueError, match=r"cannot be said in 0\.2 seconds"):
        aligner(list(range(100, 130)), analyse(buzz(seconds=0.2, hz=120)))


def test_silence_beside_a_mark_belongs_to_it() -> None:
    ids = np.array([EDGE_ID, 100, COMMA, 101, EDGE_ID])
    frames = np.array([1, 6, 1, 6, 1])
    mel = np.full((30, 80), -3.0)
    mel[10:18] = -9.0  # the last two frames of the first phone, the mark, the first of the second

    settled = settle_pauses(ids, frames, _sound(mel))

    assert settled.tolist() == [1, 4, 4, 5, 1]


def test_noise_between_words_is_silence_where_the_recording_has_no_better() -> None:
    ids, frames = np.array([EDGE_ID, 100, COMMA, 120, EDGE_ID]), np.array([1, 6, 1, 6, 1])
    mel = np.full((30, 80), -3.0)
    mel[10:18] = -6.5

    settled = settle_pauses(ids, frames, _sound(mel))

    assert settled.tolist() == [1, 4, 4, 5, 1]


def test_a_quiet_sound_with_voice_is_no_silence() -> None:
    ids, frames = np.array([EDGE_ID, 100, COMMA, 120, EDGE_ID]), np.array([1, 6, 1, 6, 1])
    mel = np.full((30, 80), -3.0)
    mel[10:18] = -9.0
    pitch_hz = np.zeros(30, np.float32)
    pitch_hz[8:14] = 150.0

    settled = settle_pauses(ids, frames, _sound(mel, pitch_hz))

    assert settled.tolist() == [1, 6, 2, 5, 1]


def test_long_silence_at_the_ends_belongs_to_no_phone() -> None:
    torch.manual_seed(0)
    base = new_base(tiny_config())
    aligner = Aligner(base.durations.eval(), base.synthesizer.eval())
    wav = buzz(seconds=0.8, hz=140)
    quiet = np.full(16_000, 1e-4, np.float32)

    sound = analyse(np.concatenate([quiet, wav, quiet]))
    _, frames = runs(aligner([100, 120, 140], sound).tokens)

    assert frames[0] >= 20
    assert frames[-1] >= 20


def _sound(mel: np.ndarray, pitch_hz: np.ndarray | None = None) -> Sound:
    pitch_hz = np.zeros(len(mel), np.float32) if pitch_hz is None else pitch_hz
    return Sound(np.zeros(320 * len(mel), np.float32), mel, pitch_hz)
