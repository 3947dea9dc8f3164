"""What may be set, and what would come of it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from ray_pipeline.core.option_types import BatchSize
from ray_pipeline.core.task import StepName
from serve_app.capabilities import room_of_worker
from serve_app.dependencies import SettingsDep, StoreDep, TaskDep, WorkspaceDep
from serve_app.errors import problem_responses
from serve_app.option_fields import option_fields
from serve_app.option_schemas import OptionsAnswer, PlanAnswer, SummaryAnswer
from serve_app.planned_trainings import Asked
from serve_app.prospects import base_of, plan_of, summary_of

router = APIRouter(tags=["options"])

_Number = Annotated[int | None, Query(ge=1, le=1_000_000, description="as asked; default: none")]
_Batch = Annotated[BatchSize | None, Query(description="as asked; default: the task's")]
_Switch = Annotated[bool, Query(description="as asked")]


@router.get("/options")
def get_options() -> OptionsAnswer:
    """Every field of a task's `config` and of each step's `params`, with its limits, its default
    and what it does: enough to make a form of it."""
    return option_fields()


@router.get("/task/{task_id}/plan", responses=problem_responses(404))
def get_plan(
    task: TaskDep,
    store: StoreDep,
    workspace: WorkspaceDep,
    settings: SettingsDep,
    sovits_epochs: _Number = None,
    sovits_batch_size: _Batch = None,
    sovits_max_steps: _Number = None,
    sovits_micro_batch_size: _Number = None,
    sovits_if_grad_ckpt: _Switch = False,
    gpt_epochs: _Number = None,
    gpt_batch_size: _Batch = None,
    gpt_max_steps: _Number = None,
    gpt_micro_batch_size: _Number = None,
    gpt_if_grad_ckpt: _Switch = False,
    gpt_if_dpo: _Switch = False,
) -> PlanAnswer:
    """What the trainings would really do with these parameters: the base model and why, epochs
    and batches as they will be, what memory they should take, how much speech there is, which steps
    are left. Starts nothing."""
    asked = {
        StepName.TRAIN_SOVITS: Asked(
            epochs=sovits_epochs,
            batch_size=sovits_batch_size,
            max_steps=sovits_max_steps,
            micro_batch_size=sovits_micro_batch_size,
            if_grad_ckpt=sovits_if_grad_ckpt,
        ),
        StepName.TRAIN_GPT: Asked(
            epochs=gpt_epochs,
            batch_size=gpt_batch_size,
            max_steps=gpt_max_steps,
            micro_batch_size=gpt_micro_batch_size,
            if_grad_ckpt=gpt_if_grad_ckpt,
            if_dpo=gpt_if_dpo,
        ),
    }
    return plan_of(
        task,
        workspace,
        store.transcripts(task.task_id),
        store.latest_runs(task.task_id),
        base_of(task, store.base_model(task.task_id), settings.models_dir),
        asked,
        room_of_worker(task.config),
    )


@router.get("/task/{task_id}/summary", responses=problem_responses(404))
def get_summary(
    task: TaskDep, store: StoreDep, workspace: WorkspaceDep, settings: SettingsDep
) -> SummaryAnswer:
    """The task at a glance: its base model, the grade of its recordings as last measured, and
    what it said last. Quick: nothing is computed."""
    base = base_of(task, store.base_model(task.task_id), settings.models_dir)
    return summary_of(workspace, store.latest_runs(task.task_id), base)
