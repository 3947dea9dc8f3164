"""Sounds for the tests of mini."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def buzz(*, seconds: float, hz: float, rate: int = 32_000) -> NDArray[np.float32]:
    """A voice without words: falling harmonics of `hz`."""
    time = np.arange(int(seconds * rate)) / rate
    harmonics = range(1, int(7000 / hz))
    wav = sum(np.sin(2 * np.pi * k * hz * time) / k for k in harmonics)
    return (0.2 * wav / np.abs(wav).max()).astype(np.float32)
