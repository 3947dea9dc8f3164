"""What every training depends on, whatever its family: asked for once, before the first worker.

A family's settings add its networks, its recipe and its clips. The configuration files that the
original keeps beside a training and inside every export are written from the same object.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol, Self

from ray_pipeline.core.option_types import AUTO, USUAL_BATCH
from ray_pipeline.core.options import TaskConfig, TrainOptions
from ray_pipeline.core.pretrained_bases import PretrainedBase
from ray_pipeline.core.progress import Progress
from ray_pipeline.core.step_context import StepContext
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.workspace import Experiment
from ray_pipeline.training.memory_model import Stage, Training


class TrainingItem(Protocol):
    """A clip that takes part."""

    @property
    def name(self) -> str: ...

    @property
    def seconds(self) -> float: ...


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """Paths are absolute. `items` are gone through as they stand; `held_out` are only judged by.

    `max_steps` counts steps of the optimiser; `gpu_numbers` is written like "0-1"; what the
    configuration file names is relative to `task_folder`. `weights_folder` takes the exports, and
    `shown_in` is where they are shown when they are the voice (None: there, too).
    `checkpoint_links` shows the newest checkpoints under the original's names, `curves_folder`
    takes the TensorBoard files. At most `micro_batch_size` clips are in memory at a time; with
    `recompute` less is kept of each (`recomputing`). `start` is an export to begin with instead
    of the base model. `step` and `inputs` are those of the table of checkpoints. With `auto_batch`
    a batch has at most `batch_size` clips, until a look at the memory decides how many
    (`preflight`).
    """

    voice: str
    version: str
    seed: int
    epochs: int
    batch_size: int
    auto_batch: bool = False
    max_steps: int | None = None
    save_every_epochs: int = 1
    checkpoint_minutes: float = 5
    keep_bytes: int = 3_000_000_000
    keep_exports: int | None = None
    gpu_numbers: str = "0"
    micro_batch_size: int | None = None
    recompute: bool = False
    start: Path | None = None
    task_folder: Path
    experiment: Experiment
    config_path: Path
    weights_folder: Path
    shown_in: Path | None = None
    step: StepName
    inputs: str = ""
    checkpoint_links: Path
    curves_folder: Path
    progress: Progress
    items: Sequence[TrainingItem]
    held_out: Sequence[TrainingItem] = ()

    checkpoint_patterns: ClassVar[tuple[str, ...]]
    adopts_checkpoints: ClassVar[bool] = False  # those that were copied into `checkpoint_links`

    @classmethod
    def for_task(
        cls, context: StepContext, options: TrainOptions, base: PretrainedBase, **own: Any
    ) -> Self:
        """`own` are the fields that the family decides."""
        return cls(
            voice=context.config.exp_name,
            step=context.step,
            version=base.version,
            seed=context.config.seed,
            max_steps=options.max_steps,
            save_every_epochs=options.save_every_epochs,
            checkpoint_minutes=options.checkpoint_minutes,
            keep_bytes=int(options.keep_gb * 1e9),
            keep_exports=options.keep_exports,
            micro_batch_size=options.micro_batch_size,
            recompute=options.if_grad_ckpt,
            gpu_numbers=context.config.gpu_id,
            task_folder=context.workspace.root,
            experiment=context.experiment,
            progress=context.progress,
            auto_batch=asked_batch_size(context.config, options) == AUTO,
            **own,
        )

    def with_batch_size(self, size: int) -> Self:
        return replace(self, batch_size=size)

    @property
    def memory(self) -> Training:
        """What decides how much memory it takes."""
        stage: Stage = "gpt" if self.step is StepName.TRAIN_GPT else "sovits"
        return Training(version=self.version, stage=stage, recompute=self.recompute)

    def export_name(self, epoch: int, step: int) -> str:
        """The file name of the weights that are exported after an epoch."""
        raise NotImplementedError

    @property
    def export_pattern(self) -> str:
        """Matches the names of this voice's exports."""
        raise NotImplementedError

    def epoch_of(self, files: Sequence[Path]) -> int:
        """How many epochs the checkpoint of these files has behind it, where the family adopts
        any. Raises BadModelFile."""
        raise NotImplementedError

    @property
    def shown_weights(self) -> str:
        """Where people find the exports, relative to the task."""
        return self.relative(self.shown_in or self.weights_folder)

    def relative(self, path: Path) -> str:
        return path.relative_to(self.task_folder).as_posix()

    @property
    def clip_names(self) -> set[str]:
        """The clips that are trained on."""
        return {item.name for item in self.items}


def asked_batch_size(config: TaskConfig, options: TrainOptions) -> int | Literal["auto"]:
    """The step's own, or the task's."""
    return options.batch_size or config.batch_size


def most_clips(config: TaskConfig, options: TrainOptions) -> int:
    """How many clips a batch has at most; with "auto" perhaps fewer."""
    asked = asked_batch_size(config, options)
    return USUAL_BATCH if asked == AUTO else asked
