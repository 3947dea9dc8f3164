from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from ray_pipeline.core.errors import BackendMissing
from ray_pipeline.core.step_names import StepName
from ray_pipeline.models.encoders.content import NanoContentEncoder, mixed_int16
from tests.steps.feature_task import FeatureTask, make_task

STEP = StepName.EXTRACT_AUDIO_FEATURES


@pytest.fixture
def task(tmp_path: Path) -> FeatureTask:
    return make_task(tmp_path, workers=1)


@pytest.mark.usefixtures("ray_cluster")
def test_clips_become_mixed_waves_and_content_features(task: FeatureTask) -> None:
    odd, gone, *_ = task.clips
    folder = task.experiment
    root = folder.folder
    soundfile.write(task.workspace.sliced / odd, np.zeros(32_000), 32_000)
    result = task.run(STEP)

    assert result.summary["clips"] == 3
    assert result.warnings[0].startswith(f"{odd} is silent.")
    assert not (folder.waves / odd).exists()
    for clip in task.clips[1:]:
        wav, _ = soundfile.read(task.workspace.sliced / clip, dtype="float32")
        written, rate = soundfile.read(folder.waves / clip, dtype="int16")
        features = torch.load(folder.content / f"{clip}.pt", weights_only=True)
        assert rate == 32_000
        assert (folder.waves / clip).stat().st_size == 44 + 2 * len(wav)
        np.testing.assert_array_equal(written, mixed_int16(wav))
        torch.testing.assert_close(features, NanoContentEncoder()(wav, 32_000))

    # Nothing changed: nothing is computed, not even Ray is asked.
    made = {path: path.stat().st_mtime_ns for path in root.rglob("*") if path.is_file()}
    again = task.run(STEP)
    assert (again.summary["unchanged"], again.summary["workers"]) == (4, 0)
    assert made == {path: path.stat().st_mtime_ns for path in root.rglob("*") if path.is_file()}
    assert again.warnings == result.warnings

    # A clip goes and the silent one is recorded anew.
    task.edit(gone, include=False)
    (task.workspace.sliced / odd).write_bytes((task.workspace.sliced / task.clips[2]).read_bytes())
    changed = task.run(STEP)
    assert changed.summary["clips"] == 3
    assert changed.summary["unchanged"] == 2
    assert sorted(path.name for path in folder.waves.iterdir()) == sorted(
        clip for clip in task.clips if clip != gone
    )
    assert not (folder.content / f"{gone}.pt").exists()


def test_a_base_model_whose_files_went_away_is_named(task: FeatureTask) -> None:
    task.config = task.config.model_copy(update={"base_model": "v2"})
    with pytest.raises(BackendMissing, match="gsv models pull v2"):
        task.run(STEP)
