"""A training that is ready to run, and what all families do to get there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ray_pipeline.core.audio_format import Waveform
from ray_pipeline.core.errors import NotFound, NothingUsable
from ray_pipeline.core.options import TrainOptions
from ray_pipeline.core.pretrained_bases import PretrainedBase
from ray_pipeline.core.step_context import StepContext
from ray_pipeline.core.step_names import StepName
from ray_pipeline.training.experiment_files import DroppedClip
from ray_pipeline.training.preflight import Preflight
from ray_pipeline.training.settings import TrainingSettings
from ray_pipeline.training.worker import TrainWorker

SayAgain = Callable[[Any, Path, Sequence[str]], list[Waveform]]


@dataclass(frozen=True, kw_only=True)
class TrainingPlan:
    """`train(settings, worker)` is the whole training on one worker. It learns from what the
    steps in `rests_on` made, and leaves the clips in `dropped` out; `warnings` say what else of
    what was asked for is not done; `preflight` what to expect of the memory.
    `say_again(settings, weights, clips)` lets exported weights say clips that were held out from
    their own tokens: a waveform [N] at 32 kHz each; None for the stage that makes tokens. It raises
    BadModelFile."""

    train: Callable[[Any, TrainWorker], None]
    say_again: SayAgain | None = None
    settings: TrainingSettings
    rests_on: Sequence[StepName]
    dropped: Sequence[DroppedClip]
    warnings: Sequence[str] = ()
    preflight: Preflight | None = None


def require_clips(names: Sequence[str], dropped: Sequence[DroppedClip], least: int) -> None:
    """Raises NothingUsable, with the first reason, when too few clips are left."""
    if len(set(names)) >= least:
        return
    reason = f" {dropped[0].name}: {dropped[0].reason}." if dropped else ""
    raise NothingUsable(
        f"{len(set(names))} clip(s) can be used for the training, at least {least} are needed."
        f"{reason}",
        hint="Upload more speech, or correct the transcripts, and run the steps before again.",
    )


def start_of(
    context: StepContext, options: TrainOptions, base: PretrainedBase
) -> tuple[Path | None, list[str]]:
    """The weights of another voice to begin with, and a warning where there can be none.

    Raises NotFound if they went since they were asked for."""
    if options.start_from is None:
        return None, []
    if not base.is_pretrained:
        return None, [
            f"start_from has no meaning for {base.name}: its voices cannot be the start of others."
        ]
    if context.start_weights is None:
        raise NotFound(
            f"The voice {options.start_from!r} that the training should start from is gone.",
            hint="Name another in start_from, or leave it out.",
        )
    return context.start_weights, []


def pretrained_files(context: StepContext, base: PretrainedBase, *names: str | None) -> list[Path]:
    """Paths of a base model's own weights; empty for one that starts from nothing."""
    return [context.models_dir / name for name in names if name] if base.is_pretrained else []
