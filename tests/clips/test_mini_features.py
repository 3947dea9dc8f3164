"""The features of mini, made of real speech by the base that comes with the project."""

from pathlib import Path

import numpy as np
import pytest

from ray_pipeline.clips.families import FEATURES
from ray_pipeline.clips.mini_features import MiniAudio, MiniSpeaker, MiniTokens, sound_of
from ray_pipeline.clips.work import Clip, Made
from ray_pipeline.core.errors import InvalidInput, StepFailed, StepNotReady
from ray_pipeline.core.manifest import ClipEntry, Manifest
from ray_pipeline.core.pretrained_bases import BASE_MODELS
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.workspace import Experiment
from ray_pipeline.text import phonemize
from tests.steps.feature_task import FeatureTask, make_task

MINI = BASE_MODELS["mini"]


@pytest.fixture
def task(tmp_path: Path) -> FeatureTask:
    task = make_task(tmp_path, workers=1)
    task.config = task.config.model_copy(update={"base_model": "mini"})
    return task


def made_of(task: FeatureTask, name: str) -> Made:
    """The audio features of a clip, with a manifest that says so."""
    clip = Clip(name, path=str(task.workspace.sliced / name))
    (made,) = MiniAudio("cpu", experiment=Experiment(task.experiment.folder))(clip)
    manifest = Manifest(StepName.EXTRACT_AUDIO_FEATURES)
    manifest.add(ClipEntry(name, "key", details=made.details))
    manifest.save(task.workspace)
    return made


def test_a_clip_becomes_mel_pitch_a_speaker_vector_and_a_phone_a_frame(task: FeatureTask) -> None:
    from ray_pipeline.clips.extractors import load_tensor

    name = task.clips[0]
    made = made_of(task, name)
    wave, content = made.files
    assert wave.is_file()
    features = load_tensor(content)
    assert features.shape[:2] == (1, MINI.ssl_dim)
    assert features.shape[2] == pytest.approx(100 * made.details["seconds"], abs=2)
    assert 80 < np.median(sound_of(content).pitch_hz[sound_of(content).pitch_hz > 0]) < 400

    (vector,) = MiniSpeaker("cpu", experiment=task.experiment)(Clip(name))
    assert load_tensor(vector.files[0]).shape == (1, MINI.speaker_dim)

    phones = phonemize(task.transcripts[name].text, "en")
    clip = Clip(name, str(content), " ".join(phones.phones), "en")
    (tokens,) = MiniTokens("cpu")(clip)
    codes = [int(code) for code in tokens.details["codes"].split()]
    assert len(codes) == tokens.details["tokens"] == features.shape[2] // 2
    assert set(phones.ids) <= set(codes)
    assert 1 < tokens.details["cost"] < 7


def test_a_text_that_is_far_too_long_sets_its_clip_aside(task: FeatureTask) -> None:
    name = task.clips[0]
    content = made_of(task, name).files[1]
    with pytest.raises(StepFailed, match="cannot be laid out") as caught:
        MiniTokens("cpu")(Clip(name, str(content), " ".join(["AA1", "B"] * 400), "en"))
    assert caught.value.clip == name


def test_silence_is_refused(task: FeatureTask, tmp_path: Path) -> None:
    import soundfile

    path = tmp_path / "short.wav"
    soundfile.write(path, np.full(1000, 0.1), 32_000)
    with pytest.raises(StepFailed, match="shorter than 100 ms"):
        MiniAudio("cpu", experiment=task.experiment)(Clip("short.wav", str(path)))


def test_a_language_that_it_has_not_learned_is_refused_before_any_work(task: FeatureTask) -> None:
    context = task.context(StepName.EXTRACT_AUDIO_FEATURES)
    FEATURES["mini"].audio(context, MINI)
    task.edit(task.clips[0], language="ko", text="안녕")
    with pytest.raises(InvalidInput, match="does not speak 'ko'"):
        FEATURES["mini"].audio(task.context(StepName.EXTRACT_AUDIO_FEATURES), MINI)


def test_tokens_need_the_text_and_change_with_it(task: FeatureTask) -> None:
    name, step = task.clips[0], StepName.EXTRACT_SEMANTIC_FEATURES
    made_of(task, name)
    with pytest.raises(StepNotReady, match="text features"):
        FEATURES["mini"].tokens(task.context(step), MINI, False)
    keys = set()
    for phones in ("AA1 B", "B AA1"):
        manifest = Manifest(StepName.EXTRACT_TEXT_FEATURES)
        manifest.add(ClipEntry(name, "key", details={"phones": phones}))
        manifest.save(task.workspace)
        work = FEATURES["mini"].tokens(task.context(step), MINI, False)
        (item,) = work.items
        assert (item.clip.name, item.clip.text) == (name, phones)
        keys.add(item.key)
    assert len(keys) == 2
    assert work.doubtful({"cost": 5.0}) == ""
    assert "do not seem to agree" in work.doubtful({"cost": 8.1})
