"""Which checkpoints the trainings of a task have, how good they are, and which are the voice."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter

from ray_pipeline.core.trainings import Trainings
from serve_app.checkpoint_schemas import CheckpointsAnswer
from serve_app.dependencies import WorkspaceDep
from serve_app.errors import problem_responses

router = APIRouter(tags=["voice"])


@router.get("/task/{task_id}/checkpoints", responses=problem_responses(404))
async def get_checkpoints(workspace: WorkspaceDep) -> CheckpointsAnswer:
    """A leaderboard of both trainings: every exported epoch with its numbers on the clips that
    were held out, what is kept of it, which one is chosen and why. `gpt_model` and `sovits_model`
    are the pair that speaks unless told otherwise; null before there is one. Empty lists before
    the first training."""
    return await asyncio.to_thread(CheckpointsAnswer.of, Trainings(workspace))
