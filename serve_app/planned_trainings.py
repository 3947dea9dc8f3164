"""What one training would really do: its epochs, its batches, and whether they fit into memory."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ray_pipeline.core.option_types import AUTO, USUAL_BATCH
from ray_pipeline.core.options import TaskConfig
from ray_pipeline.core.pretrained_bases import base_model
from ray_pipeline.core.task import StepName
from ray_pipeline.training.experiment_files import repeat_short_list
from ray_pipeline.training.gpt.recipe import gpt_recipe
from ray_pipeline.training.held_out import usual_number
from ray_pipeline.training.memory_model import Stage, Training
from ray_pipeline.training.mini.recipe import FINE_TUNING, MIN_EPOCH_STEPS, StageRecipe
from ray_pipeline.training.preflight import Preflight, Room, look_ahead
from ray_pipeline.training.sovits.recipe import sovits_recipe
from serve_app.option_schemas import BatchReason, ExpectedMemory, PlannedTraining, TooLongClip

_MINI_STAGES: dict[StepName, tuple[StageRecipe, ...]] = {
    StepName.TRAIN_SOVITS: (FINE_TUNING.acoustic, FINE_TUNING.vocoder),
    StepName.TRAIN_GPT: (FINE_TUNING.durations,),
}


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The parameters of a training that its plan depends on; None: the task's."""

    epochs: int | None = None
    batch_size: int | Literal["auto"] | None = None
    max_steps: int | None = None
    micro_batch_size: int | None = None
    if_grad_ckpt: bool = False
    if_dpo: bool = False


@dataclass(frozen=True, kw_only=True)
class Given:
    """What a training is made of: the `base` (None: there is none), the lengths of the clips in
    seconds by name, as far as they are known, and the memory of its worker (None: not known)."""

    base: str | None
    num_clips: int
    seconds: Mapping[str, float]
    room: Room | None


def planned_training(
    config: TaskConfig, step: StepName, asked: Asked, given: Given
) -> PlannedTraining:
    """With epochs that are too many, or batches that are too large, for the base brought down to
    what it does."""
    of_task = config.epochs_s2 if step is StepName.TRAIN_SOVITS else config.epochs_s1
    epochs = asked.epochs or of_task
    wanted = asked.batch_size or config.batch_size
    size, reasons = _batch(config, step, asked, given, USUAL_BATCH if wanted == AUTO else wanted)
    expected = _expected(step, asked, given, size, is_auto=wanted == AUTO)
    if expected is not None and expected.batch_size < size:
        size, reasons = expected.batch_size, [*reasons, "memory"]
    planned = PlannedTraining(
        step=step,
        epochs=epochs,
        asked_epochs=epochs,
        batch_size=size,
        asked_batch_size=wanted,
        batch_reasons=reasons,
        steps_at_most=asked.max_steps,
        memory=None if expected is None else _told(expected),
    )
    return _by_minis_recipe(planned, asked) if _is_mini(given.base) else planned


def _is_mini(base: str | None) -> bool:
    return base is not None and base_model(base).family == "mini"


def _by_minis_recipe(planned: PlannedTraining, asked: Asked) -> PlannedTraining:
    total = sum(stage.schedule.steps for stage in _MINI_STAGES[planned.step])
    total = min(total, asked.max_steps or total)
    each = min(max(math.ceil(total / planned.epochs), MIN_EPOCH_STEPS), total)
    facts = {"epochs": math.ceil(total / each), "steps_at_most": total}
    return planned.model_copy(update=facts)


def _batch(
    config: TaskConfig, step: StepName, asked: Asked, given: Given, wanted: int
) -> tuple[int, list[BatchReason]]:
    """The clips of a batch without a look at the memory, and why they are fewer than wanted."""
    if given.base is None:
        return wanted, []
    if _is_mini(given.base):
        size = min(wanted, _MINI_STAGES[step][0].batch_size)
        return size, ["base"] if size < wanted else []
    version = base_model(given.base).version
    if step is StepName.TRAIN_SOVITS:
        size = sovits_recipe(version).batch_size(wanted)
        return size, ["base"] if size < wanted else []
    recipe = gpt_recipe(version)
    reasons: list[BatchReason] = []
    if asked.if_dpo and wanted > 1:
        reasons, wanted = ["if_dpo"], wanted // 2
    size = recipe.batch_size(wanted, _items(config, given))
    if size < wanted:
        reasons.append("base" if recipe.max_batch_size else "few_clips")
    return size, reasons


def _items(config: TaskConfig, given: Given) -> int:
    """What an epoch of the GPT goes through, where no clip drops out."""
    held_out = 0 if config.strict_compat else usual_number(given.num_clips)
    return len(repeat_short_list(list(range(given.num_clips - held_out))))


def _expected(
    step: StepName, asked: Asked, given: Given, size: int, *, is_auto: bool
) -> Preflight | None:
    """None before the clips are cut, and where the memory is not known."""
    if given.base is None or given.room is None or not given.seconds:
        return None
    version = base_model(given.base).version
    stage: Stage = "gpt" if step is StepName.TRAIN_GPT else "sovits"
    has_options = not _is_mini(given.base)
    training = Training(
        version=version,
        stage=stage,
        recompute=asked.if_grad_ckpt and has_options,
        preference=asked.if_dpo and has_options and stage == "gpt",
    )
    return look_ahead(
        training,
        given.seconds,
        given.room,
        batch_size=size,
        is_auto=is_auto,
        micro_batch_size=asked.micro_batch_size if has_options else None,
    )


def _told(expected: Preflight) -> ExpectedMemory:
    return ExpectedMemory(
        peak_gb=expected.peak_gb,
        usable_gb=expected.usable_gb,
        longest_seconds=expected.longest_seconds,
        too_long=[TooLongClip.model_validate(each) for each in expected.too_long],
        warnings=expected.warnings(),
    )
