"""Holding the steps of a service at a moment of their own, so that one kill hits them all there.

A share of a step's usual time is no moment: on an idle machine the step is over by then, on a busy
one it has not begun. What is waited for here each step passes for certain (`core/stop_points.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.stop_points import VARIABLE

MOMENTS = ("begun", "middle", "late")

# Where a step is in the middle of its work that counts no clips, or counts them too seldom:
_MIDDLE = {
    StepName.ASR_TRANSCRIBE: "written me.list",  # all texts are uploaded: nothing is recognised
    # The first epoch's checkpoint is there, and of the second one nothing has its name yet.
    StepName.TRAIN_SOVITS: "written me_e2_s*.pth",
    StepName.TRAIN_GPT: "written me-e2.ckpt",
}


def order(step: str, moment: str) -> str:
    """What holds the step at the moment, or rather its first process that comes there."""
    if moment == "middle":
        return f"hold {_MIDDLE.get(StepName(step), f'half {step}')}"
    return f"hold {'made' if moment == 'late' else 'begun'} {step}"


class Holds:
    """Orders in a new folder; `environment` is for the service."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._orders = folder / "orders"
        self.environment = {VARIABLE: str(self._orders)}

    def order(self, orders: Iterable[str]) -> None:
        """These alone."""
        for left in self._orders.parent.iterdir():
            left.unlink()
        self._orders.write_text("\n".join(orders))

    def is_held(self, order: str) -> bool:
        return self._orders.with_name(order).exists()

    def release(self) -> None:
        self._orders.unlink(missing_ok=True)
