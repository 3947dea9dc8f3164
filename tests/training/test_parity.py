"""The first steps of both trainings have the original's losses.

`data/parity.json` was written by `benchmarks.train_throughput --checkout PATH --only parity --keep
FILE` with GPT-SoVITS 48b1a01: its own networks, losses and optimisers. Here ours does the same once
more.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.compare import parity, sovits_parity
from benchmarks.compare.checkpoints import train_ours

_KEPT = json.loads((Path(__file__).parent / "data" / "parity.json").read_text("utf-8"))


def test_the_gpt_has_the_originals_losses_for_twenty_steps(tmp_path: Path) -> None:
    ours = train_ours(tmp_path, epochs=parity.GPT_EPOCHS)
    assert len(ours.losses) == len(_KEPT["GPT"]) == 90
    for loss, theirs in zip(ours.losses, _KEPT["GPT"], strict=True):
        assert loss == pytest.approx(theirs, rel=parity.TOLERANCE)


@pytest.mark.slow
def test_sovits_has_the_originals_losses_for_twenty_steps() -> None:
    ours = sovits_parity.in_one_row(sovits_parity.train_ours(sovits_parity.small("v2Pro")))
    theirs = _KEPT["SoVITS v2Pro, small"]
    assert len(ours) == len(theirs) == len(sovits_parity.TERMS) * parity.STEPS
    assert ours == pytest.approx(theirs, rel=parity.TOLERANCE)
