"""Tasks: create, read, list, cancel, pause, resume, delete, have back."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query

from ray_pipeline.core.errors import BackendMissing
from ray_pipeline.core.options import TaskConfig, parse_task_config
from ray_pipeline.core.pretrained_bases import choose_base, what_training_lacks
from ray_pipeline.core.task import TaskStatus
from serve_app.dependencies import (
    CoordinatorDep,
    KnowsPausedDep,
    SettingsDep,
    StoreDep,
    TaskDep,
    TaskId,
)
from serve_app.errors import problem_responses
from serve_app.idempotency import IdempotencyKey, OnceRoute
from serve_app.schemas import ChosenBase, CreatedTask, Message, TaskAnswer, TaskCreate, TaskRename

router = APIRouter(tags=["tasks"], route_class=OnceRoute)


@router.post("/task/create", responses=problem_responses(409, 413, 422))
async def create_task(
    body: TaskCreate,
    coordinator: CoordinatorDep,
    settings: SettingsDep,
    idempotency_key: IdempotencyKey = None,
) -> CreatedTask:
    """Create a task. Every field of `config` is optional; an unknown one is refused. The answer
    says which base model the voice will start from and why; `warnings` say what the training
    would go without in this installation."""
    config = parse_task_config({**settings.task_defaults, **body.config})
    base, lacking = await asyncio.to_thread(_prospects, config, settings.models_dir)
    task = await coordinator.create_task(body.task_name, config.model_dump(mode="json"))
    return CreatedTask.of(task, warnings=lacking).model_copy(update={"base_model": base})


def _prospects(config: TaskConfig, models_dir: Path) -> tuple[ChosenBase | None, list[str]]:
    """The base model that a task would start from, and sentences on what it would lack."""
    try:
        choice = choose_base(config.base_model, config.language, models_dir)
    except BackendMissing as missing:
        return None, [f"{missing} {missing.hint}"]
    base = ChosenBase(name=choice.name, reason=choice.reason)
    return base, what_training_lacks(choice.name, config.language, models_dir)


@router.get("/tasks", responses=problem_responses(404))
def list_tasks(
    store: StoreDep,
    knows_paused: KnowsPausedDep,
    status: Annotated[TaskStatus | None, Query(description="only tasks in this status")] = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="tasks on a page")] = 100,
    after: Annotated[
        str | None, Query(description="the id of the last task of the page before", max_length=64)
    ] = None,
) -> list[TaskAnswer]:
    """The tasks, newest first. 404 if the task of `after` has been deleted."""
    return [
        TaskAnswer.of(task, knows_paused=knows_paused)
        for task in store.list_tasks(status=status, limit=limit, after=after)
    ]


@router.get("/task/{task_id}", responses=problem_responses(404))
def get_task(task: TaskDep, knows_paused: KnowsPausedDep) -> TaskAnswer:
    """One task: its status, its current step and how far it is."""
    return TaskAnswer.of(task, knows_paused=knows_paused)


@router.patch("/task/{task_id}", responses=problem_responses(404, 422))
async def rename_task(task_id: TaskId, body: TaskRename, coordinator: CoordinatorDep) -> TaskAnswer:
    """Give the task another name. Files keep theirs, which `exp_name` made; what runs goes on."""
    return TaskAnswer.of(await coordinator.rename_task(task_id, body.task_name))


@router.post("/task/{task_id}/cancel", responses=problem_responses(404))
async def cancel_task(task_id: TaskId, coordinator: CoordinatorDep) -> Message:
    """End what runs or waits. Finished steps stay as they are."""
    cancellation = await coordinator.cancel(task_id)
    sentence = "The task's run was cancelled." if cancellation.cancelled else "Nothing was running."
    return Message(message=sentence, task_id=task_id)


@router.post("/task/{task_id}/pause", responses=problem_responses(404))
async def pause_task(task_id: TaskId, coordinator: CoordinatorDep) -> Message:
    """Stop what runs or waits until `resume`, and give its CPUs and GPUs back. What was done is
    kept: a training goes on from its last checkpoint, other steps from the clips that are done."""
    pause = await coordinator.pause(task_id)
    sentence = "The task was paused." if pause.changed else "Nothing was running."
    return Message(message=sentence, task_id=task_id)


@router.post("/task/{task_id}/resume", responses=problem_responses(404))
async def resume_task(task_id: TaskId, coordinator: CoordinatorDep) -> Message:
    """Go on with what was paused."""
    pause = await coordinator.resume(task_id)
    sentence = "The task goes on." if pause.changed else "Nothing was paused."
    return Message(message=sentence, task_id=task_id)


@router.delete("/task/{task_id}", responses=problem_responses(404, 409, 422))
async def delete_task(
    task_id: TaskId,
    coordinator: CoordinatorDep,
    undo_seconds: Annotated[
        int,
        Query(ge=0, le=86_400, description="so long `restore` has it back; default: gone at once"),
    ] = 0,
) -> Message:
    """Cancel what runs, then remove the task with all its files. 409 if somebody starts a step
    in between. With `undo_seconds` it stays for that long, listed with `delete_at`; nothing
    starts in it meanwhile."""
    await coordinator.delete_task(task_id, undo_seconds)
    sentence = "The task and its files were deleted."
    if undo_seconds:
        sentence = f"The task and its files will be gone in {undo_seconds} s."
    return Message(message=sentence, task_id=task_id)


@router.post("/task/{task_id}/restore", responses=problem_responses(404))
async def restore_task(task_id: TaskId, coordinator: CoordinatorDep) -> Message:
    """Have a task back that was deleted with `undo_seconds`. 404 when its time is over."""
    kept = await coordinator.restore_task(task_id)
    return Message(
        message="The task is back." if kept else "Nobody had deleted it.", task_id=task_id
    )
