"""Clips with known durations, as the teachers make them: one npz a clip, in a folder a set.

wav      int16 [N] at `rate`
ids      int16 [L]: phones, between two silences (EDGE)
seconds  float32 [L]: how long each lasts; they sum up to the clip
text, language, speaker, rate
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Recording:
    wav: NDArray[np.float32]
    rate: int
    ids: NDArray[np.int16]
    seconds: NDArray[np.float32]
    text: str
    language: str
    speaker: str

    def save(self, path: Path) -> None:
        content: dict[str, Any] = vars(self) | {
            "wav": np.clip(self.wav * 32767, -32767, 32767).astype(np.int16)
        }
        partial = path.with_suffix(".partial")
        with partial.open("wb") as file:
            np.savez(file, **content)
        partial.replace(path)

    @classmethod
    def load(cls, path: Path) -> Recording:
        with np.load(path) as file:
            return cls(
                wav=file["wav"].astype(np.float32) / 32767,
                rate=int(file["rate"]),
                ids=file["ids"],
                seconds=file["seconds"],
                text=str(file["text"]),
                language=str(file["language"]),
                speaker=str(file["speaker"]),
            )


def recordings(folder: Path) -> Iterator[tuple[str, Recording]]:
    """All clips of a set by name, in order."""
    for path in sorted(folder.glob("*.npz")):
        yield path.stem, Recording.load(path)


def with_short_edges(
    recording: Recording, before_seconds: float, after_seconds: float
) -> Recording:
    """Without the silence at both ends that exceeds these; teachers leave a third of a second."""
    seconds = recording.seconds.copy()
    cut_before = max(0.0, float(seconds[0]) - before_seconds)
    cut_after = max(0.0, float(seconds[-1]) - after_seconds)
    seconds[0] -= cut_before
    seconds[-1] -= cut_after
    start = round(cut_before * recording.rate)
    end = len(recording.wav) - round(cut_after * recording.rate)
    return Recording(
        recording.wav[start:end],
        recording.rate,
        recording.ids,
        seconds,
        recording.text,
        recording.language,
        recording.speaker,
    )
