"""Small signals that the audio tests are made of."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

SPEECH = Path(__file__).parents[1] / "data" / "speech_en"


def tone(seconds: float, rate: int, *, hz: float = 440.0, peak: float = 0.5) -> NDArray[np.float32]:
    """[N] sine."""
    time = np.arange(round(seconds * rate)) / rate
    return (peak * np.sin(2 * np.pi * hz * time)).astype(np.float32)


def speech(name: str) -> tuple[NDArray[np.float32], int]:
    """One of the clips in tests/data/speech_en as [N] and its rate."""
    waveform, rate = soundfile.read(SPEECH / f"{name}.flac", dtype="float32")
    return waveform, rate


def speech_texts() -> dict[str, str]:
    """What is said in each clip, by its name without suffix."""
    lines = (SPEECH / "metadata.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return {Path(row["file"]).stem: row["text"] for row in rows}
