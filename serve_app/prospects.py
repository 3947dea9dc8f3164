"""What a task is at a glance, and what a run of its trainings would really do."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from ray_pipeline.core.errors import BackendMissing, InvalidInput
from ray_pipeline.core.pretrained_bases import choose_base
from ray_pipeline.core.task import RunState, StepName, StepRun, Task, Transcript
from ray_pipeline.core.workspace import Workspace
from ray_pipeline.quality.data_report import load_report
from ray_pipeline.training.preflight import Room
from ray_pipeline.transcripts.clip_timing import clip_timings
from serve_app.option_schemas import PlanAnswer, Sample, SummaryAnswer
from serve_app.planned_trainings import Asked, Given, planned_training
from serve_app.schemas import ChosenBase


@dataclass(frozen=True)
class BaseOutlook:
    """The base model that a voice has or would get; `problem` says why there is none."""

    chosen: ChosenBase | None
    problem: str = ""


def plan_of(
    task: Task,
    workspace: Workspace,
    transcripts: list[Transcript],
    runs: dict[StepName, StepRun],
    base: BaseOutlook,
    asked: dict[StepName, Asked],
    room: Room | None,
) -> PlanAnswer:
    """`asked` is of each training, `room` that of one of its workers (None: not known)."""
    used = [row.clip for row in transcripts if row.include and row.text.strip()]
    timings = clip_timings(workspace)
    spans = {clip: timings[clip].end - timings[clip].start for clip in used if clip in timings}
    given = Given(
        base=base.chosen.name if base.chosen else None,
        num_clips=len(used),
        seconds=spans,
        room=room,
    )
    return PlanAnswer(
        base_model=base.chosen,
        problem=base.problem,
        trainings=[
            planned_training(task.config, step, each, given) for step, each in asked.items()
        ],
        clips=len(used),
        seconds=round(sum(spans.values()), 1) if spans else None,
        left_steps=[
            step
            for step in StepName
            if step not in runs or runs[step].stale or not runs[step].state.satisfies_needs
        ],
        free_bytes=shutil.disk_usage(workspace.root).free,
    )


def base_of(task: Task, settled: str | None, models_dir: Path) -> BaseOutlook:
    """`settled` is the base model that the task's first step took, None before it."""
    if settled is not None and settled != task.config.base_model:
        return BaseOutlook(ChosenBase(name=settled, reason=f"The first step took {settled}."))
    wanted = settled or task.config.base_model
    try:
        choice = choose_base(wanted, task.config.language, models_dir)
    except (BackendMissing, InvalidInput) as error:
        return BaseOutlook(None, str(error))
    return BaseOutlook(ChosenBase(name=choice.name, reason=choice.reason))


def summary_of(
    workspace: Workspace, runs: dict[StepName, StepRun], base: BaseOutlook
) -> SummaryAnswer:
    """Reads what is there; measures nothing."""
    report = load_report(workspace)
    spoken = runs.get(StepName.TEST_INFERENCE)
    result = spoken.result if spoken and spoken.state is RunState.COMPLETED else None
    sample = None
    if result and (workspace.root / result["file"]).is_file():
        sample = Sample(file=result["file"], text=result["text"], seed=result["seed"])
    grade = report.grade if report else None
    return SummaryAnswer(base_model=base.chosen, problem=base.problem, grade=grade, sample=sample)
