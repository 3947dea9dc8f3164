"""Items that are computed several at a time."""

import os
from pathlib import Path

import pytest

from ray_pipeline.clips.ray_tasks import Item, make_clips
from ray_pipeline.core.errors import BadModelFile, PipelineError, StepFailed
from ray_pipeline.core.manifest import ClipEntry, Manifest
from ray_pipeline.core.resources import WorkerPlan
from ray_pipeline.core.step_names import StepName
from tests.steps.audio_task import AudioTask

STEP = StepName.ASR_TRANSCRIBE


def make(task: AudioTask, names: list[str]) -> Manifest:
    """A manifest with an entry a name, made two at a time."""

    def together(batch: list[tuple[str]]) -> list[list[ClipEntry] | PipelineError]:
        others = [name for (name,) in batch]
        if "deadly" in others:
            os._exit(1)
        if "unlucky" in others:
            raise BadModelFile("The model is cut off.")
        return [
            StepFailed(f"{name} is bad.")
            if name == "bad"
            else [ClipEntry(name, "", details={"with": others})]
            for name in others
        ]

    manifest = Manifest(STEP)
    make_clips(
        task.context(STEP),
        [Item(name, f"key of {name}", {}, (name,)) for name in names],
        together,
        plan=WorkerPlan(1, 0.5),
        manifest=manifest,
        folder=None,
        force=False,
        batch_size=2,
    )
    return manifest


@pytest.mark.usefixtures("ray_cluster")
def test_one_of_a_batch_is_set_aside_and_the_other_kept(tmp_path: Path) -> None:
    manifest = make(AudioTask.in_folder(tmp_path), ["a", "bad", "c"])
    assert manifest.clips["a"].details["with"] == ["a", "bad"]
    assert manifest.clips["c"].details["with"] == ["c"]
    bad = manifest.clips["bad"]
    assert (bad.status, bad.reason, bad.key) == ("set_aside", "bad is bad.", "key of bad")


@pytest.mark.usefixtures("ray_cluster")
def test_no_clip_is_set_aside_for_a_damaged_model(tmp_path: Path) -> None:
    with pytest.raises(BadModelFile, match="cut off"):
        make(AudioTask.in_folder(tmp_path), ["a", "unlucky"])


@pytest.mark.usefixtures("ray_cluster")
def test_a_batch_whose_process_dies_is_done_one_by_one(tmp_path: Path) -> None:
    manifest = make(AudioTask.in_folder(tmp_path), ["a", "deadly"])
    assert manifest.clips["a"].details["with"] == ["a"]
    deadly = manifest.clips["deadly"]
    assert (deadly.status, deadly.key) == ("set_aside", "")  # tried again in the next run
    assert "the worker process died" in deadly.reason
