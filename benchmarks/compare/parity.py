"""The losses of the first twenty steps of a training, ours beside the original's.

Float32, without dropout, the same weights and batches. Here the GPT's, which is tiny and trains as
the original's `s1_train.py` does, under PyTorch Lightning, so that the numbers can be asked for in
every run of the tests (`tests/training/test_parity.py`); SoVITS's are in `sovits_parity`.
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
    """`ours` and `theirs` hold the losses of each batch, term by term."""

    name: str
    steps: int
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
            f"{state} {self.name}: {len(self.ours)} losses of {self.steps} steps of the optimiser "
            f"differ by {self.worst:.1e} at most"
        )


def check_gpt_parity() -> Parity:
    with tempfile.TemporaryDirectory() as folder:
        ours = train_ours(Path(folder) / "ours", epochs=GPT_EPOCHS)
        theirs = train_original(Path(folder) / "theirs", epochs=GPT_EPOCHS)
    return Parity("GPT", STEPS, ours.losses, theirs.losses)
