"""Rows as plain data of `ray_pipeline.core.task`, and the job, which only the coordinator sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ray_pipeline.core.hand_cuts import HandCuts
from ray_pipeline.core.options import TaskConfig
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.task import (
    Event,
    EventKind,
    FileRecord,
    RunState,
    StepRun,
    Task,
    TaskStatus,
    Transcript,
)
from ray_pipeline.store.models import (
    EventRow,
    FileRow,
    HandCutsRow,
    JobRow,
    RunRow,
    TaskRow,
    TranscriptRow,
)


@dataclass(frozen=True)
class PlannedStep:
    """`params` as the user gave them. `when_needed`: pass over the step if, once it is its
    turn, it is done and nothing it rests on has changed."""

    step: StepName
    params: dict[str, Any]
    when_needed: bool = False


@dataclass(frozen=True)
class JobRecord:
    """`number` orders jobs by age."""

    job_id: str
    task_id: str
    number: int
    steps: tuple[PlannedStep, ...]
    is_over: bool = False


def to_task(row: TaskRow) -> Task:
    return Task(
        task_id=row.task_id,
        task_name=row.name,
        status=TaskStatus(row.status),
        # A task is there, whatever today's rules for new ones are.
        config=TaskConfig.model_validate(row.config, context={"is_stored": True}),
        created_at=row.created_at,
        updated_at=row.updated_at,
        current_step=StepName(row.current_step) if row.current_step else None,
        progress=row.progress,
        error_message=row.error_message,
        last_event=row.last_seq,
        delete_at=row.delete_at,
    )


def to_job(row: JobRow) -> JobRecord:
    steps = tuple(
        PlannedStep(StepName(item["step"]), item["params"], item["when_needed"])
        for item in row.steps
    )
    return JobRecord(row.job_id, row.task_id, row.number, steps, row.is_over)


def to_run(row: RunRow) -> StepRun:
    return StepRun(
        run_id=row.run_id,
        job_id=row.job_id,
        task_id=row.task_id,
        step=StepName(row.step),
        attempt=row.attempt,
        state=RunState(row.state),
        queued_at=row.queued_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        stale=row.stale,
        params=row.params,
        warnings=row.warnings,
        progress=row.progress,
        message=row.message,
        result=row.result,
        error=row.error,
    )


def to_event(row: EventRow) -> Event:
    return Event(
        task_id=row.task_id,
        seq=row.seq,
        time=row.time,
        kind=EventKind(row.kind),
        step=StepName(row.step) if row.step else None,
        attempt=row.attempt,
        data=row.data,
    )


def to_file(row: FileRow) -> FileRecord:
    return FileRecord(name=row.name, kind=row.kind, size=row.size, sha256=row.sha256)


def to_transcript(row: TranscriptRow) -> Transcript:
    return Transcript(
        clip=row.clip,
        text=row.text,
        language=row.language,
        include=row.include,
        speaker=row.speaker,
        source=row.source,
        confidence=row.confidence,
    )


def to_hand_cuts(row: HandCutsRow) -> HandCuts:
    ranges = tuple((start, end) for start, end in row.ranges)
    return HandCuts(recording=row.recording, sha256=row.sha256, ranges=ranges)
