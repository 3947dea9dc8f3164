"""Where a step runs: a named actor of its own, `step:<task>:<step>:<attempt>`.

It holds no CPU itself; what the step starts (tasks, Ray Data, Ray Train) asks for its own.
It is detached, so that it goes on while the coordinator restarts; everything that it starts
belongs to it and ends with it. Being single-threaded, it answers `end` when `run` is done.
"""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from typing import Any

from ray_pipeline.coordinator.actor_progress import ActorProgress
from ray_pipeline.coordinator.address import NAMESPACE
from ray_pipeline.coordinator.attempt_end import AttemptEnd
from ray_pipeline.core.errors import StepFailed, pipeline_error_in
from ray_pipeline.core.options import parse_options
from ray_pipeline.core.step_context import Result, StepContext
from ray_pipeline.core.stop_points import pass_by
from ray_pipeline.pipeline import load_name

# Ray Train answers a report when its controller looks next; every 2 s by default.
_TRAIN_POLL_SECONDS = "0.2"


@dataclass(frozen=True)
class Assignment:
    """`function` is `module:name`; `params` are the step's options as plain data; `trains`
    says that Ray Train is used."""

    context: StepContext
    function: str
    params: dict[str, Any]
    trains: bool = False

    @property
    def actor_name(self) -> str:
        context = self.context
        return actor_name(context.task_id, context.step.value, context.attempt)


def actor_name(task_id: str, step: str, attempt: int) -> str:
    return f"step:{task_id}:{step}:{attempt}"


class StepActor:
    def __init__(self, assignment: Assignment) -> None:
        self._assignment = assignment
        self._end: AttemptEnd | None = None

    def run(self) -> None:
        """Do the work, once, whoever asks again."""
        if self._end is None:
            self._end = _run(self._assignment)

    def end(self) -> AttemptEnd | None:
        """How it ended; None if it has not begun."""
        return self._end


def _run(assignment: Assignment) -> AttemptEnd:
    context = assignment.context
    pass_by("begun", context.step.value)
    try:
        options, _ = parse_options(context.step, assignment.params)
        result: Result = load_name(assignment.function)(context, options)
        end = AttemptEnd(result.summary, result.warnings, result.transcripts)
        pass_by("made", context.step.value)
    except Exception as error:
        end = AttemptEnd(error=_error_data(error, context.step.value), traceback=_trace())
    if isinstance(context.progress, ActorProgress):
        context.progress.flush()
    return end


def _error_data(error: BaseException, step: str) -> dict[str, Any]:
    """Code, sentence, hint and clip; nothing of an unexpected error but its kind."""
    expected = pipeline_error_in(error)
    if expected is None:
        expected = StepFailed(
            f"{step} stopped because of an unexpected error ({type(error).__name__}).",
            hint="Whoever runs the service finds the details in the task's training.log.",
        )
    return {**expected.as_dict(), "step": step}


def _trace() -> str:
    return traceback.format_exc()


def start_step_actor(assignment: Assignment) -> Any:
    """The actor of an attempt, started if it is not there yet."""
    import ray

    return (
        ray.remote(StepActor)
        .options(
            name=assignment.actor_name,
            namespace=NAMESPACE,
            lifetime="detached",
            get_if_exists=True,
            num_cpus=0,
            max_restarts=0,
            runtime_env={"env_vars": _training_environment()} if assignment.trains else None,
        )
        .remote(assignment)
    )


def _training_environment() -> dict[str, str]:
    """For the step's process and all that it starts. Ray Train's cleaner, which gives back the
    resources of a training that was killed, looks for the cluster by RAY_ADDRESS and fails
    without where a machine has several clusters."""
    import ray

    return {
        "RAY_ADDRESS": ray.get_runtime_context().gcs_address,
        "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S": _TRAIN_POLL_SECONDS,
    }


def find_step_actor(name: str) -> Any | None:
    import ray

    try:
        return ray.get_actor(name, namespace=NAMESPACE)
    except ValueError:
        return None


def end_step_actor(name: str) -> None:
    """End an attempt's process and, with it, everything it started. No matter if it is gone."""
    import ray

    actor = find_step_actor(name)
    if actor is not None:
        ray.kill(actor)
