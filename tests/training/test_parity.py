"""The first steps of the GPT's training have the original's losses.

`data/parity.json` was written by `benchmarks.train_throughput --checkout PATH --only parity --keep
FILE` with GPT-SoVITS 48b1a01: its own network, loss and optimiser, under PyTorch Lightning. Here
ours does the same once more.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.compare import parity
from benchmarks.compare.checkpoints import train_ours

_KEPT = json.loads((Path(__file__).parent / "data" / "parity.json").read_text("utf-8"))


def test_the_gpt_has_the_originals_losses_for_twenty_steps(tmp_path: Path) -> None:
    ours = train_ours(tmp_path, epochs=parity.GPT_EPOCHS)
    assert len(ours.losses) == len(_KEPT["gpt"]) == 90
    for loss, theirs in zip(ours.losses, _KEPT["gpt"], strict=True):
        assert loss == pytest.approx(theirs, rel=parity.TOLERANCE)
