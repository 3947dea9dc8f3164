"""What a task is at a glance, and what a run of its trainings would really do."""

from __future__ import annotations

import math
import shutil
from dataclasses import dataclass
from pathlib import Path

from ray_pipeline.core.errors import BackendMissing, InvalidInput
from ray_pipeline.core.pretrained_bases import base_model, choose_base
from ray_pipeline.core.task import RunState, StepName, StepRun, Task, Transcript
from ray_pipeline.core.workspace import Workspace
from ray_pipeline.quality.data_report import load_report
from ray_pipeline.training.mini.recipe import FINE_TUNING, MIN_EPOCH_STEPS, StageRecipe
from ray_pipeline.transcripts.clip_timing import clip_timings
from serve_app.option_schemas import PlanAnswer, PlannedTraining, Sample, SummaryAnswer
from serve_app.schemas import ChosenBase

_MINI_STAGES: dict[StepName, tuple[StageRecipe, ...]] = {
    StepName.TRAIN_SOVITS: (FINE_TUNING.acoustic, FINE_TUNING.vocoder),
    StepName.TRAIN_GPT: (FINE_TUNING.durations,),
}


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
    asked: dict[StepName, dict[str, int | None]],
) -> PlanAnswer:
    """`asked` has `epochs`, `batch_size` and `max_steps` for each training; None: the default."""
    used = [row.clip for row in transcripts if row.include and row.text.strip()]
    timings = clip_timings(workspace)
    spans = [timings[clip].end - timings[clip].start for clip in used if clip in timings]
    return PlanAnswer(
        base_model=base.chosen,
        problem=base.problem,
        trainings=[
            _training(task, step, base.chosen, asked.get(step, {})) for step in _MINI_STAGES
        ],
        clips=len(used),
        seconds=round(sum(spans), 1) if spans else None,
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


def _training(
    task: Task, step: StepName, base: ChosenBase | None, asked: dict[str, int | None]
) -> PlannedTraining:
    config = task.config
    of_task = config.epochs_s2 if step is StepName.TRAIN_SOVITS else config.epochs_s1
    epochs = asked.get("epochs") or of_task
    batch_size = asked.get("batch_size") or config.batch_size
    most = asked.get("max_steps")
    if base is None or base_model(base.name).family != "mini":
        return PlannedTraining(
            step=step, epochs=epochs, asked_epochs=epochs, batch_size=batch_size, steps_at_most=most
        )
    stages = _MINI_STAGES[step]
    total = sum(stage.schedule.steps for stage in stages)
    total = min(total, most or total)
    each = min(max(math.ceil(total / epochs), MIN_EPOCH_STEPS), total)
    return PlannedTraining(
        step=step,
        epochs=math.ceil(total / each),
        asked_epochs=epochs,
        batch_size=min(batch_size, stages[0].batch_size),
        steps_at_most=total,
    )
