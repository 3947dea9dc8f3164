"""A task for the first four steps: what a user uploads, and the steps one after the other."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ray_pipeline.audio.wav import write_int16
from ray_pipeline.core.hand_cuts import HandCuts
from ray_pipeline.core.manifest import ClipEntry, Manifest
from ray_pipeline.core.options import TaskConfig, parse_options
from ray_pipeline.core.progress import RecordingProgress
from ray_pipeline.core.resources import ClusterTotals
from ray_pipeline.core.step_context import Result, StepContext
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.task import Transcript
from ray_pipeline.core.workspace import Workspace
from ray_pipeline.pipeline import STEPS
from tests.speech import FOLDER


@dataclass
class AudioTask:
    """`transcripts` and `hand_cuts` are what the database would hold; `run` keeps the transcripts
    as the coordinator does."""

    workspace: Workspace
    language: str = "en"
    progress: RecordingProgress = field(default_factory=RecordingProgress)
    transcripts: dict[str, Transcript] = field(default_factory=dict)
    hand_cuts: dict[str, HandCuts] = field(default_factory=dict)

    @classmethod
    def in_folder(cls, folder: Path) -> AudioTask:
        workspace = Workspace(folder / "task")
        workspace.create()
        return cls(workspace)

    def upload_speech(self, clip: str, name: str | None = None) -> None:
        """One of the four clips of real speech, under a name of its own."""
        source = FOLDER / f"{clip}.flac"
        shutil.copy(source, self.workspace.input_audio / (name or source.name))

    def upload(self, name: str, content: str) -> None:
        (self.workspace.input_audio / name).write_text(content, "utf-8")

    def add_clip(self, name: str, **details: Any) -> None:
        """A clip as if slice_audio had made it: a second of faint noise."""
        path = self.workspace.sliced / name
        rng = np.random.default_rng(len(name))
        write_int16(path, rng.integers(-50, 50, 32_000).astype(np.int16))
        manifest = Manifest.load(self.workspace, StepName.SLICE_AUDIO)
        facts = {"source": name, "start": 0, "end": 32_000, "seconds": 1.0} | details
        manifest.add(ClipEntry(name, "k", outputs=[self.workspace.relative(path)], details=facts))
        manifest.save(self.workspace)

    def run(self, step: StepName, **params: Any) -> Result:
        options, _ = parse_options(step, params)
        result: Result = STEPS[step].load()(self.context(step), options)
        if result.transcripts is not None:
            self.transcripts = {row.clip: row for row in result.transcripts}
        return result

    def context(self, step: StepName) -> StepContext:
        return StepContext(
            task_id="t1",
            run_id="r1",
            step=step,
            attempt=1,
            config=TaskConfig(language=self.language, exp_name="anna"),
            workspace=self.workspace,
            models_dir=self.workspace.root.parent / "models",
            cluster=ClusterTotals(cpus=2),
            progress=self.progress,
            transcripts=dict(self.transcripts),
            hand_cuts=dict(self.hand_cuts),
        )

    def manifest(self, step: StepName) -> Manifest:
        return Manifest.load(self.workspace, step)

    def files(self, folder: str) -> list[str]:
        return sorted(path.name for path in (self.workspace.root / folder).glob("*"))
