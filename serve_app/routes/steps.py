"""Steps: start one, start several as a job, see how each is."""

from __future__ import annotations

from fastapi import APIRouter

from ray_pipeline.core.task import StepName
from serve_app.dependencies import CoordinatorDep, StepDep, StoreDep, TaskDep, TaskId
from serve_app.errors import problem_responses
from serve_app.idempotency import IdempotencyKey, OnceRoute
from serve_app.schemas import (
    RunRequest,
    RunStarted,
    StepAnswer,
    StepRequest,
    StepsAnswer,
    StepStarted,
)

router = APIRouter(tags=["steps"], route_class=OnceRoute)


@router.post(
    "/task/{task_id}/step/{step}", status_code=202, responses=problem_responses(404, 409, 422)
)
async def start_step(
    task_id: TaskId,
    step: StepDep,
    coordinator: CoordinatorDep,
    body: StepRequest | None = None,
    idempotency_key: IdempotencyKey = None,
) -> StepStarted:
    """Start one step. What it needs must have run (409 names what is `missing`); a task runs
    one thing at a time (409). `{"params": {"enabled": false}}` skips the step."""
    run = await coordinator.start_step(task_id, step, body.params if body else {})
    return StepStarted(
        message=f"{step} was started." if not run.state.is_over else f"{step} is {run.state}.",
        task_id=task_id,
        step=step,
        run_id=run.run_id,
        warnings=run.warnings,
    )


@router.post("/task/{task_id}/run", status_code=202, responses=problem_responses(404, 409, 422))
async def run_steps(
    task_id: TaskId,
    coordinator: CoordinatorDep,
    body: RunRequest | None = None,
    idempotency_key: IdempotencyKey = None,
) -> RunStarted:
    """Run all the steps that remain, or those between `from` and `to`, as one durable job."""
    wanted = body or RunRequest()
    params = {step.value: values for step, values in wanted.params.items()}
    job = await coordinator.run_steps(
        task_id, wanted.from_step, wanted.to_step, params, wanted.force
    )
    return RunStarted(
        message=_started(len(job.steps)),
        task_id=task_id,
        job_id=job.job_id,
        steps=list(job.steps),
        warnings=list(job.warnings),
    )


def _started(count: int) -> str:
    if count == 0:
        return "Nothing is left to do."
    return "1 step was started." if count == 1 else f"{count} steps were started."


@router.get("/task/{task_id}/steps", responses=problem_responses(404))
def list_steps(task: TaskDep, store: StoreDep) -> StepsAnswer:
    """Every step in order, with its latest attempt."""
    latest = store.latest_runs(task.task_id)
    return StepsAnswer(steps=[StepAnswer.of(step, latest.get(step)) for step in StepName])
