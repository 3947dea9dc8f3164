"""A task as it stands before the feature steps: four clips of real speech, transcribed."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import soundfile

from ray_pipeline.clips.work import Clip
from ray_pipeline.core.manifest import ClipEntry, Manifest
from ray_pipeline.core.options import TaskConfig, parse_options
from ray_pipeline.core.pretrained_bases import BASE_MODELS
from ray_pipeline.core.progress import RecordingProgress
from ray_pipeline.core.resources import ClusterTotals
from ray_pipeline.core.step_context import Result, StepContext
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.task import Transcript
from ray_pipeline.core.workspace import Experiment, Workspace
from ray_pipeline.pipeline import STEPS
from tests import speech


@dataclass
class FeatureTask:
    """`transcripts` may be changed between runs, as a user does."""

    workspace: Workspace
    transcripts: dict[str, Transcript]
    config: TaskConfig
    models_dir: Path
    progress: RecordingProgress

    @property
    def experiment(self) -> Experiment:
        return self.workspace.experiment(self.config.exp_name)

    @property
    def clips(self) -> list[str]:
        return sorted(self.transcripts)

    def context(self, step: StepName) -> StepContext:
        return StepContext(
            task_id="t1",
            run_id="r1",
            step=step,
            attempt=1,
            config=self.config,
            workspace=self.workspace,
            models_dir=self.models_dir,
            cluster=ClusterTotals(cpus=2),
            progress=self.progress,
            transcripts=dict(self.transcripts),
        )

    def run(self, step: StepName, **options: Any) -> Result:
        parsed, _ = parse_options(step, options)
        return STEPS[step].load()(self.context(step), parsed)

    def make_audio_features(self, *clips: str) -> None:
        """What extract_audio_features makes of these clips (of all, if none are named), made in
        this process."""
        from ray_pipeline.clips.extractors import AudioExtractor

        extractor = AudioExtractor(
            "cpu",
            base=BASE_MODELS["nano"],
            models_dir=self.models_dir,
            waves_dir=self.experiment.waves,
            content_dir=self.experiment.content,
        )
        manifest = Manifest(StepName.EXTRACT_AUDIO_FEATURES)
        for name in clips or self.clips:
            (made,) = extractor(Clip(name, path=str(self.workspace.sliced / name)))
            manifest.add(ClipEntry(name, "key", details=made.details))
        manifest.save(self.workspace)

    def edit(self, clip: str, **changes: Any) -> None:
        self.transcripts[clip] = replace(self.transcripts[clip], **changes)


def make_task(root: Path, *, workers: int = 2) -> FeatureTask:
    workspace = Workspace(root / "task")
    workspace.create()
    workspace.sliced.mkdir()
    slices, transcripts = Manifest(StepName.SLICE_AUDIO), {}
    lines = (speech.FOLDER / "metadata.jsonl").read_text("utf-8").splitlines()
    for row in map(json.loads, lines):
        wav = speech.clip(row["file"])
        name = f"{row['file']}.wav_0000000000_{len(wav):010d}.wav"
        soundfile.write(workspace.sliced / name, wav, 32_000, subtype="PCM_16")
        slices.add(ClipEntry(name, "key", outputs=[f"sliced/{name}"]))
        transcripts[name] = Transcript(clip=name, text=row["text"], language="en")
    slices.save(workspace)
    devices = "-".join(map(str, range(workers)))
    config = TaskConfig(exp_name="voice", language="en", gpu_id=devices, base_model="nano")
    return FeatureTask(workspace, transcripts, config, root / "models", RecordingProgress())
