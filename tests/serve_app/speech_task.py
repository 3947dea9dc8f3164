"""A task with three clips of speech and their texts, as steps 1 to 4 would leave it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ray_pipeline.audio.wav import to_int16, write_int16
from ray_pipeline.core.manifest import ClipEntry, Manifest
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.task import Transcript
from ray_pipeline.core.workspace import Workspace
from tests.quality.broken_sets import RATE, one_speaker
from tests.serve_app.local_coordinator import LocalCoordinator

CLIPS = ["0.wav", "1.wav", "第二 [句].wav"]


def write_clips(root: Path, task_id: str) -> Workspace:
    workspace = Workspace(root / "api_tasks" / task_id)
    manifest = Manifest(StepName.SLICE_AUDIO)
    for name, wave in zip(CLIPS, one_speaker(), strict=False):
        write_int16(workspace.sliced / name, to_int16(np.asarray(wave)))
        details = {"source": "talk.wav", "start": 0, "end": len(wave), "seconds": len(wave) / RATE}
        manifest.add(ClipEntry(name, "k", outputs=[f"sliced/{name}"], details=details))
    manifest.save(workspace)
    return workspace


def transcribe(coordinator: LocalCoordinator, task_id: str, clips: Sequence[str] = CLIPS) -> None:
    """Plays steps 1 to 4 of a task that has uploads."""
    coordinator.do(task_id, "convert_audio")
    coordinator.do(task_id, "slice_audio")
    heard = [
        Transcript(clip=name, text="a" * 30, language="en", source="whisper", confidence=0.9)
        for name in clips
    ]
    coordinator.do(task_id, "asr_transcribe", transcripts=heard)
