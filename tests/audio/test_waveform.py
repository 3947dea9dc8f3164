from pathlib import Path

import numpy as np

from ray_pipeline.audio.wav import write_int16
from ray_pipeline.audio.waveform import peaks


def test_no_sample_is_lost_between_the_parts(tmp_path: Path) -> None:
    samples = np.zeros(1001, np.int16)
    samples[[0, 500, 1000]] = [16384, -16384, 8192]
    write_int16(tmp_path / "a.wav", samples)
    outline = peaks(tmp_path / "a.wav", 7)
    assert len(outline) == 7
    assert (outline[0][1], min(low for low, _ in outline), outline[-1][1]) == (0.5, -0.5, 0.25)


def test_a_short_clip_has_a_part_a_sample_and_an_empty_one_none(tmp_path: Path) -> None:
    for count in (0, 3):
        write_int16(tmp_path / "a.wav", np.full(count, -8192, np.int16))
        assert peaks(tmp_path / "a.wav", 400) == [[-0.25, -0.25]] * count
