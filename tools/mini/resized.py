"""More voices out of a set of clips: `python -m tools.mini.resized --help`.

Each clip is played faster or slower than it is, which moves pitch, formants and tempo together,
as of a smaller or a larger speaker. A set `kokoro_zh_1` becomes `kokoro_zh_1r<seed>`. What is
there already is left alone.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import soxr

from tools.mini.recordings import Recording, recordings

_LEAST, _MOST = 0.05, 0.2  # of the logarithm of the factor, either way


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="+")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    for name in arguments.sets:
        folder = arguments.work / "clips" / f"{name}r{arguments.seed}"
        folder.mkdir(parents=True, exist_ok=True)
        for number, (stem, recording) in enumerate(recordings(arguments.work / "clips" / name)):
            path = folder / f"{stem}.npz"
            if not path.exists():
                rng = np.random.default_rng([arguments.seed, number])
                resized(recording, drawn_size(rng)).save(path)


def drawn_size(rng: np.random.Generator) -> float:
    return float(np.exp(rng.choice((-1, 1)) * rng.uniform(_LEAST, _MOST)))


def resized(recording: Recording, size: float) -> Recording:
    """`size` 1.1 is a speaker a tenth smaller: higher, and faster."""
    wav = soxr.resample(recording.wav, recording.rate * size, recording.rate)
    return replace(
        recording,
        wav=wav.astype(np.float32) / max(1.0, float(np.abs(wav).max())),
        seconds=(recording.seconds / size).astype(np.float32),
        speaker=f"{recording.speaker} x {size:.2f}",
    )


if __name__ == "__main__":
    main()
