"""The losses of the first twenty steps of the GPT's training, ours beside the original's.

Float32, without dropout, the same weights and batches. The GPT is tiny and trains as the original's
`s1_train.py` does, under PyTorch Lightning, so that the numbers can be asked for in every run of
the tests (`tests/training/test_parity.py`). Of SoVITS the golden cases hold one step in full size
(`tests/conformance`).
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.compare.checkpoints import train_original, train_ours

STEPS = 20
GPT_EPOCHS = 10  # of nine batches: two steps of the optimiser each
TOLERANCE = 1e-3  # of a loss


@dataclass(frozen=True)
class Parity:
    """`ours` and `theirs` hold the loss of each batch."""

    ours: Sequence[float]
    theirs: Sequence[float]

    @property
    def worst(self) -> float:
        """The largest difference, as a share of the original's number."""
        return max(
            abs(one - other) / abs(other) for one, other in zip(self.ours, self.theirs, strict=True)
        )

    @property
    def passed(self) -> bool:
        return self.worst <= TOLERANCE

    def __str__(self) -> str:
        state = "ok  " if self.passed else "FAIL"
        return (
            f"{state} GPT, {STEPS} steps of the optimiser: {len(self.ours)} losses differ by "
            f"{self.worst:.1e}"
        )


def check_parity() -> Parity:
    with tempfile.TemporaryDirectory() as folder:
        ours = train_ours(Path(folder) / "ours", epochs=GPT_EPOCHS)
        theirs = train_original(Path(folder) / "theirs", epochs=GPT_EPOCHS)
    return Parity(ours.losses, theirs.losses)
