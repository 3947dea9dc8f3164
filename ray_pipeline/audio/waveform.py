"""The outline of a clip, as numbers and as a picture."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ray_pipeline.audio.wav import read_mono

_INK = (37, 99, 235)  # readable on white and on black; the background is transparent


def peaks(path: Path, num_points: int) -> list[list[float]]:
    """The lowest and the highest sample of equal parts of a clip, [[low, high], …] in -1..1.

    At most `num_points` parts, fewer for a clip with fewer samples; none for an empty one.
    Raises StepFailed when the file cannot be read.
    """
    return _outline(path, num_points).round(4).tolist()


def picture(path: Path, width: int, height: int) -> bytes:
    """The outline as a PNG of `width` × `height` pixels, full scale from top to bottom; the same
    clip gives the same bytes. Raises StepFailed when the file cannot be read."""
    from PIL import Image

    image = Image.fromarray(_drawing(_outline(path, width), width, height)).convert("P")
    image.putpalette([0, 0, 0, *_INK])
    file = io.BytesIO()
    image.save(file, "PNG", transparency=0, bits=1, optimize=True)
    return file.getvalue()


def _outline(path: Path, num_points: int) -> NDArray[np.float32]:
    """[N, 2], the lowest and the highest of each part."""
    waveform, _ = read_mono(path)
    edges = np.linspace(0, len(waveform), min(num_points, len(waveform)) + 1).astype(int)[:-1]
    if not len(edges):
        return np.zeros((0, 2), np.float32)
    lows = np.minimum.reduceat(waveform, edges)
    highs = np.maximum.reduceat(waveform, edges)
    return np.stack([lows, highs], axis=1)


def _drawing(outline: NDArray[np.float32], width: int, height: int) -> NDArray[np.uint8]:
    """[height, width], 1 where there is ink; silence is a line in the middle."""
    if not len(outline):
        outline = np.zeros((1, 2), np.float32)
    columns = outline[np.arange(width) * len(outline) // width]
    rows = ((1 - columns.clip(-1, 1)) / 2 * (height - 1)).round()
    bottom, top = rows[:, 0], rows[:, 1]
    row = np.arange(height)[:, None]
    return ((row >= top) & (row <= bottom)).astype(np.uint8)
