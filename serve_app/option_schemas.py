"""What may be set, and what would come of it, on the wire."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from ray_pipeline.core.task import StepName
from serve_app.schemas import Answer, ChosenBase


class OptionField(Answer):
    """One field of a form."""

    name: str = Field(description="as requests spell it")
    type: Literal["integer", "number", "string", "boolean"] = Field(
        "string", description="of the value, as JSON Schema names it"
    )
    words: str = Field(description="what it does, in a sentence")
    default: Any = Field(description="what holds where a request leaves it out")
    optional: bool = Field(description="whether null is a value")
    choices: list[str] = Field(description="all values there are, or beside a number: words for it")
    minimum: float | None = Field(None, description="the least value")
    maximum: float | None = Field(None, description="the greatest value")
    above: float | None = Field(None, description="every value is above it")
    below: float | None = Field(None, description="every value is below it")
    max_length: int | None = Field(None, description="characters")


class OptionsAnswer(Answer):
    """Everything that may be set."""

    task: list[OptionField] = Field(description="the `config` of a task")
    steps: dict[StepName, list[OptionField]] = Field(description="the `params` of each step")


# Why a batch has fewer clips than asked for.
BatchReason = Literal["if_dpo", "base", "few_clips", "memory"]


class TooLongClip(Answer):
    """A clip that should not fit into the memory, alone."""

    clip: str
    seconds: float
    needed_gb: float = Field(description="gigabytes that it should take")


class ExpectedMemory(Answer):
    """An estimate of what a worker takes at its peak, from measured steps."""

    peak_gb: float = Field(description="gigabytes, with a batch of the longest clips that fit")
    usable_gb: float = Field(description="gigabytes that may be used: most of what is free now")
    longest_seconds: float = Field(description="of those clips")
    too_long: list[TooLongClip] = Field(description="the longest first")
    warnings: list[str] = Field(description="what to expect and do where it does not fit")


class PlannedTraining(Answer):
    """One training as it would run, which is not always as it was asked for."""

    step: StepName
    epochs: int = Field(description="how often its numbers are told and a version is written")
    asked_epochs: int = Field(description="what the request or the task says")
    batch_size: int = Field(description="clips in a batch")
    asked_batch_size: int | Literal["auto"] = Field(description="what the request or the task says")
    batch_reasons: list[BatchReason] = Field(
        description="why it is less: `if_dpo` halves it, the `base` has a limit of its own, "
        "`few_clips` leave four batches an epoch, `memory` is short"
    )
    steps_at_most: int | None = Field(
        description="optimiser steps, where the base model sets them; null: every epoch takes all "
        "clips"
    )
    memory: ExpectedMemory | None = Field(
        description="null before the clips are cut, and where nobody knows the worker's memory"
    )


class PlanAnswer(Answer):
    """What a run of the trainings would do."""

    base_model: ChosenBase | None = Field(description="null: see `problem`")
    problem: str = Field("", description="why the base model cannot be used, in a sentence")
    trainings: list[PlannedTraining] = Field(description="in the order in which they run")
    clips: int = Field(description="clips that are used")
    seconds: float | None = Field(description="of speech in them; null before they are cut")
    left_steps: list[StepName] = Field(description="what is not done yet or stale, in order")
    free_bytes: int = Field(description="of the disk with the tasks")


class Sample(Answer):
    """What the voice said last."""

    file: str = Field(description="as downloads take it")
    text: str = Field(description="what it says")
    seed: int = Field(description="of the speech")


class SummaryAnswer(Answer):
    """A task at a glance."""

    base_model: ChosenBase | None = Field(
        description="what the voice starts from, or would; null: see `problem`"
    )
    problem: str = Field("", description="why the base model cannot be used, in a sentence")
    grade: Literal["A", "B", "C", "D"] | None = Field(
        description="of the recordings, as last measured; null: not yet"
    )
    sample: Sample | None = Field(description="null before the voice has spoken")
