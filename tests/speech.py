"""Real speech for tests: four public-domain clips (tests/data/speech_en/README.md)."""

from functools import cache
from pathlib import Path

import librosa
import numpy as np
from numpy.typing import NDArray

FOLDER = Path(__file__).parent / "data" / "speech_en"


def names() -> list[str]:
    return sorted(path.name for path in FOLDER.glob("*.flac"))


@cache
def clip(name: str, sample_rate: int = 32_000) -> NDArray[np.float32]:
    """A clip as [samples] in -1..1, mono."""
    wav, _ = librosa.load(FOLDER / name, sr=sample_rate)
    return wav
