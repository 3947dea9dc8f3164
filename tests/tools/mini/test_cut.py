import numpy as np
import pytest

from ray_pipeline.models.mini.tokens import EDGE_ID
from ray_pipeline.text.symbols import symbol_table
from tools.mini.cut import beginnings, cut
from tools.mini.recordings import Recording

W, O3, K, AN4 = (symbol_table("v2")[name] for name in ("w", "o3", "k", "an4"))


def clip() -> Recording:
    return Recording(
        np.full(24_000 * 2, 0.5, np.float32), 24_000,
        np.array([EDGE_ID, W, O3, K, AN4, EDGE_ID], np.int16),
        np.array([0.1, 0.1, 0.2, 0.1, 1.3, 0.2], np.float32), "我看", "zh", "someone",
    )  # fmt: skip


def test_a_clip_can_begin_with_a_consonant_of_its_middle() -> None:
    assert beginnings(clip()).tolist() == [3]

    shorter = cut(clip(), 3, 0.1)

    assert shorter.ids.tolist() == [EDGE_ID, K, AN4, EDGE_ID]
    assert shorter.seconds.tolist() == pytest.approx([0.1, 0.1, 1.3, 0.2])
    assert len(shorter.wav) == pytest.approx(24_000 * 1.7, abs=1)
    assert not shorter.wav[:2400].any()
    assert shorter.wav[2400 + 200] == 0.5


def test_what_is_left_is_long_enough_to_be_a_clip() -> None:
    short = Recording(**vars(clip()) | {"seconds": np.full(6, 0.2, np.float32)})

    assert beginnings(short).tolist() == []
