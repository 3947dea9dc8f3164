"""What a network brings to its training: the base of each family's trainers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic

from torch import Tensor, nn

from ray_pipeline.training.batch import AnyBatch
from ray_pipeline.training.checkpoints import Position
from ray_pipeline.training.metrics import MetricsRecorder
from ray_pipeline.training.recipe import TrainingLength


@dataclass(frozen=True)
class Iteration:
    """Where a batch stands: `index` in its epoch and `number` in the whole training count from
    0, epochs from 1."""

    epoch: int
    index: int
    number: int
    total: int


class Trainer(ABC, Generic[AnyBatch]):
    """What a network brings to its training. Made on every worker and for every attempt: its
    constructor builds the networks on the worker's device, takes over the checkpoint that it is
    given and says in `resumed` what was done before it.

    `metric_prefix` stands before the names of the losses, as in `sovits/loss_mel`; `watched` are
    those that may not explode. Where a trainer chooses its clips itself, it does not say which a
    batch has: then none is ever to blame.
    """

    metric_prefix: str
    watched: tuple[str, ...]
    knows_its_clips: bool = True
    resumed: Position
    length: TrainingLength

    @abstractmethod
    def batches(self, epoch: int, skip: int = 0) -> Iterator[AnyBatch]:
        """Those of an epoch on the worker's device, without the first `skip`. Each is learned
        before the next is asked for."""

    @abstractmethod
    def learn(self, batch: AnyBatch, iteration: Iteration) -> Mapping[str, Tensor]:
        """One iteration on one batch. Returns losses without gradient."""

    @property
    def finished(self) -> bool:
        """Whether there is nothing more to learn although `length` is not reached. All workers
        say the same."""
        return False

    @property
    def gradient_norms(self) -> Mapping[str, Tensor]:
        """Of the last iteration, before any clipping; none where the optimisers took no step."""
        return {}

    @property
    @abstractmethod
    def networks(self) -> Sequence[nn.Module]:
        """Those that learn."""

    @property
    @abstractmethod
    def learning_rate(self) -> float:
        """That of the last iteration."""

    @abstractmethod
    def file_config(self) -> dict[str, Any]:
        """The configuration beside the training and in every export."""

    @abstractmethod
    def validate(self) -> dict[str, float]:
        """How the weights that `export` would write do on the held-out clips; empty without such
        clips. Draws nothing at random: equal weights have equal numbers."""

    @abstractmethod
    def evaluate(self, metrics: MetricsRecorder) -> dict[str, float]:
        """What the training reached, at its end."""

    @abstractmethod
    def export(self, path: Path, position: Position) -> None:
        """Write the weights that speak."""

    def may_be_chosen(self, position: Position) -> bool:
        """Whether the recipe means these weights to be a voice, and does not only pass through."""
        return True

    @abstractmethod
    def checkpoint(self, position: Position) -> Mapping[str, Any]:
        """All that going on needs: the archives' names, and what each holds. The tensors are the
        training's own, so they are copied or written before the next batch."""

    def loop_state(self) -> dict[str, Any]:
        """What `checkpoint` has not, because the original does not know it, and going on in the
        middle needs: tensors, numbers, containers of them."""
        return {}

    def load_loop_state(self, state: Mapping[str, Any]) -> None:
        """Take over what `loop_state` gave."""
