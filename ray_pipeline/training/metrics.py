"""The numbers of a running training: means, curves, the clips seen and how far it has got."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor
from torch.amp.grad_scaler import GradScaler
from torch.nn.utils import get_total_norm
from torch.optim import Optimizer

from ray_pipeline.core.progress import NullProgress, Progress
from ray_pipeline.training.curves import Curves, RunningMeans
from ray_pipeline.training.pace import Pace, in_words, peak_memory_gb
from ray_pipeline.training.recipe import TrainingLength
from ray_pipeline.training.worker import EpochReport, TrainWorker

_ADVANCE_SECONDS = 0.5
_CURVE_STEPS = 10
RECENT_STEPS = 50


class MetricsRecorder:
    """One worker's metrics. Only rank 0 tells `progress` and draws curves; `prefix` stands before
    the names. `seconds` are the lengths of clips, where it is known which a batch has."""

    def __init__(
        self,
        worker: TrainWorker,
        progress: Progress,
        length: TrainingLength,
        *,
        curves_folder: Path,
        prefix: str,
        first_step: int,
        seconds: Mapping[str, float] | None = None,
    ) -> None:
        is_first = worker.rank == 0
        self._progress: Progress = progress if is_first else NullProgress()
        self._curves = Curves(curves_folder, first_step=first_step) if is_first else None
        self._length = length
        self._prefix = prefix
        self._device = worker.device
        self._seconds = seconds or {}
        self._audio_seconds = 0.0
        self.pace = Pace()
        self._means = RunningMeans()
        self._recent: deque[Mapping[str, Tensor]] = deque(maxlen=RECENT_STEPS)
        self._clips: set[str] = set()
        self._epoch = 0
        self._started = self._told = 0.0
        self.step = first_step

    def start_epoch(self, epoch: int) -> None:
        self._epoch = epoch
        self._clips.clear()
        self._audio_seconds = 0.0
        self.pace.start_epoch()
        self._started = time.monotonic()

    def state_dict(self) -> dict[str, Any]:
        """Of an epoch that is not over."""
        return {
            "means": self._means.state_dict(),
            "clips": sorted(self._clips),
            "seconds": time.monotonic() - self._started,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """To be called after `start_epoch`."""
        self._means.load_state_dict(state["means"])
        self._clips.update(state["clips"])
        self._started = time.monotonic() - state["seconds"]

    def add_batch(self, clips: Sequence[str], losses: Mapping[str, Tensor]) -> None:
        """One batch is done."""
        self._means.add(losses)
        self._recent.append(losses)
        self._clips.update(clips)
        self._audio_seconds += sum(self._seconds.get(name, 0.0) for name in clips)
        self.step += 1
        if self._curves is not None and self.step % _CURVE_STEPS == 0:
            self._curves.add(self._named({k: float(v) for k, v in losses.items()}), self.step)
        self._advance()

    def finish_epoch(
        self,
        rates: Mapping[str, float],
        evaluation: Mapping[str, float] | None = None,
        validation: Mapping[str, float] | None = None,
    ) -> EpochReport:
        values = self._named(self._means.take() | dict(rates))
        judged = self._named(validation or {})
        speed = self._named(self._speed())
        if self._curves is not None:
            of_epoch = values | judged | speed
            self._curves.add({f"epoch/{name}": x for name, x in of_epoch.items()}, self.step)
            self._curves.add(self._named(evaluation or {}), self.step)
            self._curves.flush()
        return EpochReport(
            epoch=self._epoch,
            step=self.step,
            values=values,
            clips=sorted(self._clips),
            seconds=round(time.monotonic() - self._started, 3),
            evaluation=dict(evaluation or {}),
            validation=judged,
            speed=speed,
        )

    def recent_mean(self, name: str) -> float:
        """The mean of a loss over the last 50 steps of this attempt."""
        values = [float(losses[name]) for losses in self._recent if name in losses]
        return sum(values) / max(len(values), 1)

    def close(self) -> None:
        if self._curves is not None:
            self._curves.close()

    def _named(self, values: Mapping[str, float]) -> dict[str, float]:
        return {f"{self._prefix}/{name}": value for name, value in values.items()}

    def _speed(self) -> dict[str, float]:
        speed = self.pace.of_epoch(self._audio_seconds)
        speed["memory_gb"] = peak_memory_gb(self._device)
        left = self._seconds_left()
        return speed if left is None else speed | {"seconds_left": left}

    def _seconds_left(self) -> float | None:
        steps = max(self._length.total_steps - self.step, 0)
        return self.pace.seconds_left(steps, max(self._length.epochs - self._epoch, 0))

    def _advance(self) -> None:
        now = time.monotonic()
        if now - self._told < _ADVANCE_SECONDS and self.step < self._length.total_steps:
            return
        self._told = now
        message = f"epoch {self._epoch} of {self._length.epochs}"
        left = self._seconds_left()
        if left is not None:
            message += f", {in_words(left)}"
        self._progress.advance(self.step, self._length.total_steps, message)


def gradient_norm(optimizer: Optimizer, scaler: GradScaler) -> Tensor:
    """Of all that the optimiser is about to use. Infinite in a step that the scaler leaves out."""
    parameters = (p for group in optimizer.param_groups for p in group["params"])
    gradients = [p.grad for p in parameters if p.grad is not None]
    return get_total_norm(gradients) / scaler.get_scale()
