"""The data doctor's report as a file of the task: what it was made from, reading, writing."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from ray_pipeline.core.manifest import fingerprint
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.task import Transcript
from ray_pipeline.core.workspace import Workspace, atomic_write, sha256_of
from ray_pipeline.quality.report import DataReport

_VERSION = "5"  # raise it when the same clips would give another report
_REPORT = TypeAdapter(DataReport)


def report_path(workspace: Workspace) -> Path:
    return workspace.root / "data_report.json"


def report_key(workspace: Workspace, transcripts: Iterable[Transcript]) -> str:
    """Changes when a step or an edit changes anything that the report says."""
    paths = [workspace.manifest_path(step) for step in StepName]
    manifests = {path.name: sha256_of(path) for path in paths if path.is_file()}
    return fingerprint(
        version=_VERSION, manifests=manifests, transcripts=[asdict(row) for row in transcripts]
    )


def load_report(workspace: Workspace) -> DataReport | None:
    """The latest report, of whatever age; None where there is none that can be read."""
    try:
        return _REPORT.validate_json(report_path(workspace).read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


def save_report(workspace: Workspace, report: DataReport) -> None:
    text = json.dumps(asdict(report), ensure_ascii=False, indent=1)
    atomic_write(report_path(workspace), text)
