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

    settled = settle_pauses(ids, frames, mel)

    assert settled.tolist() == [1, 4, 4, 5, 1]
