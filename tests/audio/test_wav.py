from pathlib import Path

import numpy as np
import pytest

from ray_pipeline.audio.wav import (
    duration_seconds,
    num_samples_of,
    ranges_of,
    read_mono,
    to_int16,
    write_float32,
    write_int16,
)
from ray_pipeline.core.errors import StepFailed


def test_int16_file_has_the_plain_header_and_the_same_samples(tmp_path: Path) -> None:
    samples = np.array([0, 1, -32768, 32767], np.int16)
    write_int16(tmp_path / "a.wav", samples)
    data = (tmp_path / "a.wav").read_bytes()
    assert len(data) == 44 + 8
    np.testing.assert_array_equal(np.frombuffer(data[44:], "<i2"), samples)


def test_float_file_keeps_values_beyond_full_scale(tmp_path: Path) -> None:
    write_float32(tmp_path / "a.wav", np.array([0.5, -1.7], np.float32))
    waveform, rate = read_mono(tmp_path / "a.wav")
    assert rate == 32_000
    np.testing.assert_array_equal(waveform, np.array([0.5, -1.7], np.float32))


def test_ranges_are_read_without_the_rest(tmp_path: Path) -> None:
    write_int16(tmp_path / "a.wav", np.arange(1000, dtype=np.int16))
    part = ranges_of(tmp_path / "a.wav")(10, 13)
    np.testing.assert_array_equal(to_int16(part), [10, 11, 12])
    assert num_samples_of(tmp_path / "a.wav") == 1000
    assert duration_seconds(tmp_path / "a.wav") == 1000 / 32_000


def test_levels_beyond_full_scale_are_held_not_wrapped() -> None:
    np.testing.assert_array_equal(to_int16(np.array([2, -2], np.float32)), [32767, -32768])


def test_unreadable_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.wav").write_bytes(b"RIFF")
    for read in (read_mono, num_samples_of, duration_seconds):
        with pytest.raises(StepFailed, match=r"broken\.wav"):
            read(tmp_path / "broken.wav")
