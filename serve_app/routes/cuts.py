"""Cuts by hand: clips trimmed, split and merged."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path

from ray_pipeline.core.blanks import one_line
from ray_pipeline.core.hand_cuts import Piece
from ray_pipeline.transcripts.list_file import check_field
from serve_app.clip_schemas import CutClips, CutRecording, CutsAnswer, NewClips, PieceBody
from serve_app.dependencies import CoordinatorDep, StoreDep, TaskDep
from serve_app.errors import problem_responses
from serve_app.idempotency import OnceRoute
from serve_app.schemas import Message

router = APIRouter(tags=["clips"], route_class=OnceRoute)


@router.get("/task/{task_id}/cuts", responses=problem_responses(404))
def list_cuts(task: TaskDep, store: StoreDep) -> CutsAnswer:
    """The recordings that are cut by hand, and the clips that each becomes."""
    cuts = store.hand_cuts(task.task_id).values()
    return CutsAnswer(cuts=[CutRecording.model_validate(each) for each in cuts])


@router.post("/task/{task_id}/cuts", responses=problem_responses(404, 409, 422))
async def cut_clips(body: CutClips, task: TaskDep, coordinator: CoordinatorDep) -> NewClips:
    """Put `pieces` in the place of `clips`, which follow each other in one recording: one for one
    trims, several for one split, one for several merges.

    The texts move at once, so the next cut can follow; the sound is cut when slice_audio runs
    again, which is stale now, as is what rests on it. Only clips that are new are denoised, heard
    and computed then."""
    pieces = [_piece(piece) for piece in body.pieces]
    clips = await coordinator.cut_clips(task.task_id, body.clips, pieces)
    return NewClips(clips=clips)


@router.delete("/task/{task_id}/cuts/{recording}", responses=problem_responses(404, 409))
async def forget_cuts(
    recording: Annotated[
        str, Path(max_length=300, description="as GET …/cuts lists it", examples=["talk.wav"])
    ],
    task: TaskDep,
    coordinator: CoordinatorDep,
) -> Message:
    """Have a recording cut at its pauses again, when slice_audio runs."""
    await coordinator.forget_cuts(task.task_id, recording)
    return Message(
        message=f"{recording} is cut at its pauses when slice_audio runs.", task_id=task.task_id
    )


def _piece(body: PieceBody) -> Piece:
    text = None if body.text is None else one_line(body.text)
    if text is not None:
        check_field("text", text)
    return Piece(start=body.start, end=body.end, text=text)
