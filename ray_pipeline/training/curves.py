"""Curves of a training as TensorBoard files, beside the checkpoints as in the original."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.tensorboard.writer import SummaryWriter


class Curves:
    """`first_step` hides what an interrupted run wrote from there on."""

    def __init__(self, folder: Path, *, first_step: int = 0) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        purge = first_step if first_step > 0 else None
        self._writer = SummaryWriter(str(folder), purge_step=purge, flush_secs=10)

    def add(self, values: Mapping[str, float], step: int) -> None:
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def flush(self) -> None:
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()


class RunningMeans:
    """Running means of named numbers. Tensors stay where they are until the means are asked
    for, so that adding one does not wait for the device."""

    def __init__(self) -> None:
        self._values: dict[str, list[Tensor]] = {}

    def add(self, values: Mapping[str, Tensor]) -> None:
        for name, value in values.items():
            self._values.setdefault(name, []).append(value.detach())

    def state_dict(self) -> dict[str, Tensor]:
        return {name: torch.stack(each).cpu() for name, each in self._values.items()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        self._values = {name: list(values.unbind()) for name, values in state.items()}

    def take(self) -> dict[str, float]:
        """The means since the last call. Numbers that are none do not count (norms of gradients are
        infinite in the steps that a loss scaler leaves out), and a name with no other is left out:
        neither JSON nor PostgreSQL can hold them."""
        means = {}
        for name, each in self._values.items():
            values = torch.stack([value.cpu() for value in each])
            finite = values[values.isfinite()]
            if len(finite):
                means[name] = float(finite.mean())
        self._values.clear()
        return means
