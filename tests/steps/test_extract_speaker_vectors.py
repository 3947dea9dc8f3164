from pathlib import Path

import pytest
import torch

from ray_pipeline.core.errors import StepNotReady
from ray_pipeline.core.pretrained_bases import BASE_MODELS
from ray_pipeline.core.step_names import StepName
from tests.steps.feature_task import FeatureTask, make_task

STEP = StepName.EXTRACT_SPEAKER_VECTORS


@pytest.fixture
def task(tmp_path: Path) -> FeatureTask:
    return make_task(tmp_path, workers=1)


@pytest.mark.usefixtures("ray_cluster")
def test_each_clip_has_a_vector_of_its_speaker(task: FeatureTask) -> None:
    task.make_audio_features()
    result = task.run(STEP)
    vectors = [
        torch.load(task.experiment.speaker_vectors / f"{clip}.pt", weights_only=True)
        for clip in task.clips
    ]
    assert [vector.shape for vector in vectors] == [(1, 160)] * 4
    assert result.summary["dim"] == 160
    assert task.run(STEP).summary["unchanged"] == 4


def test_it_needs_the_audio_features(task: FeatureTask) -> None:
    with pytest.raises(StepNotReady, match="extract_audio_features"):
        task.run(STEP)


def test_a_base_model_without_speaker_vectors_has_nothing_to_do(task: FeatureTask) -> None:
    for file in BASE_MODELS["v2"].files:
        (task.models_dir / file).parent.mkdir(parents=True, exist_ok=True)
        (task.models_dir / file).touch()
    task.config = task.config.model_copy(update={"base_model": "v2"})
    result = task.run(STEP)
    assert result.summary["clips"] == 0
    assert "nothing to do" in result.summary["message"]
    assert not task.experiment.speaker_vectors.exists()
