import io
from pathlib import Path

import numpy as np
from PIL import Image

from ray_pipeline.audio.wav import write_int16
from ray_pipeline.audio.waveform import peaks, picture


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


def _pixels(png: bytes) -> np.ndarray:
    """[height, width], 1 where there is ink."""
    with Image.open(io.BytesIO(png)) as image:
        assert image.format == "PNG"
        return np.asarray(image.convert("RGBA"))[:, :, 3] // 255


def test_the_picture_is_as_high_as_the_sound_is_loud(tmp_path: Path) -> None:
    samples = np.zeros(400, np.int16)
    samples[200:300] = 32767
    samples[300:] = -16384
    write_int16(tmp_path / "a.wav", samples)
    png = picture(tmp_path / "a.wav", 40, 21)
    pixels = _pixels(png)
    assert pixels.shape == (21, 40)
    inked = [np.flatnonzero(column).tolist() for column in pixels.T]
    assert inked == [[10]] * 20 + [[0]] * 10 + [[15]] * 10
    assert picture(tmp_path / "a.wav", 40, 21) == png


def test_a_clip_with_fewer_samples_than_pixels_fills_the_picture(tmp_path: Path) -> None:
    for count in (0, 3):
        write_int16(tmp_path / "a.wav", np.zeros(count, np.int16))
        assert _pixels(picture(tmp_path / "a.wav", 50, 17))[8].all()
