from pathlib import Path

import pytest

from ray_pipeline.clips.inputs import audio_features, included_transcripts
from ray_pipeline.core.errors import StepNotReady
from ray_pipeline.core.manifest import Manifest
from ray_pipeline.core.step_names import StepName
from ray_pipeline.transcripts.list_file import ListRow, write_list
from tests.steps.feature_task import FeatureTask, make_task


@pytest.fixture
def task(tmp_path: Path) -> FeatureTask:
    return make_task(tmp_path, workers=1)


def included(task: FeatureTask) -> list[str]:
    context = task.context(StepName.EXTRACT_AUDIO_FEATURES)
    return [transcript.clip for transcript in included_transcripts(context)]


def test_clips_that_are_excluded_empty_or_gone_are_left_out(task: FeatureTask) -> None:
    excluded, empty, gone, left = task.clips
    task.edit(excluded, include=False)
    task.edit(empty, text="  ")
    slices = Manifest.load(task.workspace, StepName.SLICE_AUDIO)
    del slices.clips[gone]
    slices.save(task.workspace)
    assert included(task) == [left]


def test_no_transcript_at_all_names_the_step_that_makes_them(task: FeatureTask) -> None:
    task.transcripts.clear()
    with pytest.raises(StepNotReady, match="asr_transcribe") as caught:
        included(task)
    assert caught.value.extra["missing"] == ["asr_transcribe"]


def test_every_clip_excluded_is_said(task: FeatureTask) -> None:
    for clip in task.clips:
        task.edit(clip, include=False)
    with pytest.raises(StepNotReady, match="excluded"):
        included(task)


def test_without_a_database_the_list_file_counts(task: FeatureTask) -> None:
    first, *_ = task.clips
    row = ListRow(str(task.workspace.sliced / first), "voice", "en", "Some words.")
    write_list(task.workspace.list_path("voice"), [row])
    task.transcripts.clear()
    assert included(task) == [first]


def test_steps_on_audio_features_say_that_these_are_missing(task: FeatureTask) -> None:
    with pytest.raises(StepNotReady, match="extract_audio_features"):
        audio_features(task.context(StepName.EXTRACT_SPEAKER_VECTORS))
