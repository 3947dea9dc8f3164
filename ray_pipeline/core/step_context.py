"""What a step is given and what it gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ray_pipeline.core.hand_cuts import HandCuts
from ray_pipeline.core.options import TaskConfig
from ray_pipeline.core.progress import Progress
from ray_pipeline.core.resources import ClusterTotals, ResourceRequest, WorkerPlan, plan_workers
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.task import Transcript
from ray_pipeline.core.workspace import Experiment, Workspace


@dataclass(frozen=True, kw_only=True)
class StepContext:
    """One attempt at one step.

    `config.base_model` is a name, never "auto". `transcripts` holds what the database says of
    each clip now, by clip name, with the user's edits; `hand_cuts` how the user wants recordings
    cut, by the recording's name. `worker` is what the table of steps says that one worker of this
    step asks for. `start_weights` is where `start_from` leads, None where to nothing.
    """

    task_id: str
    run_id: str
    step: StepName
    attempt: int
    config: TaskConfig
    workspace: Workspace
    models_dir: Path
    cluster: ClusterTotals
    progress: Progress
    transcripts: Mapping[str, Transcript] = field(default_factory=dict)
    hand_cuts: Mapping[str, HandCuts] = field(default_factory=dict)
    worker: ResourceRequest = field(default_factory=ResourceRequest)
    start_weights: Path | None = None

    def plan(self, wanted: int) -> WorkerPlan:
        """At most `wanted` workers, as many as the cluster can run at the same time."""
        return plan_workers(self.worker, wanted, self.cluster)

    @property
    def experiment(self) -> Experiment:
        return self.workspace.experiment(self.config.exp_name)


@dataclass(kw_only=True)
class Result:
    """`summary` is plain JSON for people and programs (counts, seconds, names of files).

    `transcripts` is None unless the step made them; the coordinator stores them then.
    """

    summary: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    transcripts: list[Transcript] | None = None
