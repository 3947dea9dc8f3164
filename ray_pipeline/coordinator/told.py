"""What a step tells, as fields of its run, as events and as lines of the task's log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ray_pipeline.coordinator.outbox import Report
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.task import EventKind, StepRun
from ray_pipeline.store import NewEvent

_MAX_WARNINGS = 200


class LogLines:
    """Knows which tenth of each run the log has come to."""

    def __init__(self) -> None:
        self._tenths: dict[str, int] = {}

    def of(self, run: StepRun, reports: Sequence[Report]) -> list[str]:
        lines: list[str] = []
        for report in reports:
            if report.kind is EventKind.LOG:
                lines.append(report.data["message"])
            elif report.kind is EventKind.WARNING:
                lines.append(f"Warning: {_with_clip(report.data)}")
            elif report.kind is EventKind.PROGRESS and self._is_next_tenth(run, report.data):
                data = report.data
                lines.append(f"{data['done']:g} of {data['total']:g}: {data['message']}")
        return lines

    def _is_next_tenth(self, run: StepRun, data: Mapping[str, Any]) -> bool:
        # Every report is an event; the log gets about ten a step.
        tenth = int(10 * data["fraction"])
        if tenth <= self._tenths.get(run.run_id, 0):
            return False
        self._tenths[run.run_id] = tenth
        return True

    def forget(self, run: StepRun) -> None:
        self._tenths.pop(run.run_id, None)


def run_values(run: StepRun, reports: Sequence[Report]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    progress = [report for report in reports if report.kind is EventKind.PROGRESS]
    if progress:
        values["progress"] = progress[-1].data["fraction"]
        values["message"] = progress[-1].data["message"]
    said = [_with_clip(report.data) for report in reports if report.kind is EventKind.WARNING]
    if said:
        values["warnings"] = merged(run.warnings, said)
    return values


def to_event(report: Report, step: StepName, attempt: int) -> NewEvent:
    return NewEvent(
        kind=report.kind, step=step, attempt=attempt, data=report.data, time=report.time
    )


def _with_clip(data: Mapping[str, Any]) -> str:
    """The warning with the clip's name, once: most sentences have it, and those that the step's
    result repeats are the same then."""
    clip, message = data.get("clip"), str(data["message"])
    return f"{clip}: {message}" if clip and clip not in message else message


def merged(before: list[str], more: list[str]) -> list[str]:
    return list(dict.fromkeys([*before, *more]))[:_MAX_WARNINGS]
