"""The sound inside a task, and how a second of it is divided: everywhere the same numbers.

32,000 samples = 50 frames of 640 samples (a hop) = 25 semantic tokens of two frames
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Waveform = NDArray[np.float32]
"""[N] samples of one channel, full scale is 1."""

SAMPLE_RATE = 32_000  # Hz, of everything between conversion and the finished voice
HOP_SAMPLES = 640
FRAMES_PER_TOKEN = 2
FRAMES_PER_SECOND = SAMPLE_RATE // HOP_SAMPLES
TOKENS_PER_SECOND = FRAMES_PER_SECOND // FRAMES_PER_TOKEN
