"""The outline of a clip, for a picture of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ray_pipeline.audio.wav import read_mono


def peaks(path: Path, num_points: int) -> list[list[float]]:
    """The lowest and the highest sample of equal parts of a clip, [[low, high], …] in -1..1.

    At most `num_points` parts, fewer for a clip with fewer samples; none for an empty one.
    Raises StepFailed when the file cannot be read.
    """
    waveform, _ = read_mono(path)
    edges = np.linspace(0, len(waveform), min(num_points, len(waveform)) + 1).astype(int)[:-1]
    if not len(edges):
        return []
    lows = np.minimum.reduceat(waveform, edges)
    highs = np.maximum.reduceat(waveform, edges)
    return np.stack([lows, highs], axis=1).round(4).tolist()
