"""Where checkpoints are listened to: in this process, or in one that holds a share of a GPU."""

from __future__ import annotations

from ray_pipeline.core.errors import pipeline_error_in
from ray_pipeline.core.step_context import StepContext
from ray_pipeline.judging.judge import judge_training
from ray_pipeline.training.plan import TrainingPlan


def judge(context: StepContext, plan: TrainingPlan, seconds_training: float) -> None:
    """`judge_training`, with its errors."""
    workers = context.plan(1)
    if not workers.use_gpu:
        judge_training(context, plan, seconds_training)
        return
    import ray

    named = ray.remote(judge_training).options(name="judging", **workers.ray_options())
    try:
        ray.get(named.remote(context, plan, seconds_training))
    except ray.exceptions.RayTaskError as error:
        raise pipeline_error_in(error) or error.cause or error from None
