import importlib.util
from pathlib import Path

import pytest

from ray_pipeline.asr import funasr, whisper
from ray_pipeline.asr.recognition import RecogniserChoice, choose_recogniser, transcribe
from ray_pipeline.errors import BackendMissing
from tests.audio.signals import SPEECH, speech_texts

needs_wheel_model = pytest.mark.skipif(
    importlib.util.find_spec(whisper.PACKAGE) is None or not whisper.wheels_are_installed(),
    reason="the wheels with Whisper base are not installed (pip install .[offline])",
)


def put_funasr_model(models: Path, *names: str) -> None:
    for name in names:
        (models / "asr" / name).mkdir(parents=True)
        (models / "asr" / name / "model.pt").touch()


def test_paraformer_is_taken_for_mandarin_and_sense_voice_for_the_rest(tmp_path: Path) -> None:
    put_funasr_model(
        tmp_path, funasr.PARAFORMER, funasr.VAD, funasr.PUNCTUATION, funasr.SENSE_VOICE
    )
    assert choose_recogniser("auto", tmp_path, "zh").version == funasr.PARAFORMER
    assert choose_recogniser("funasr", tmp_path, "ja").version == funasr.SENSE_VOICE
    assert choose_recogniser("auto", tmp_path, None).version == funasr.SENSE_VOICE


def test_an_incomplete_funasr_model_does_not_count(tmp_path: Path) -> None:
    put_funasr_model(tmp_path, funasr.PARAFORMER)
    with pytest.raises(BackendMissing, match="SenseVoiceSmall"):
        choose_recogniser("funasr", tmp_path, "zh")


@pytest.mark.skipif(
    importlib.util.find_spec(whisper.PACKAGE) is None, reason="faster-whisper is not installed"
)
def test_a_larger_whisper_model_in_the_folder_is_preferred(tmp_path: Path) -> None:
    for name in ("faster-whisper-small", "faster-whisper-large-v3"):
        folder = tmp_path / "asr" / name
        folder.mkdir(parents=True)
        (folder / "model.bin").touch()
        (folder / "config.json").write_text("{}")
    choice = choose_recogniser("auto", tmp_path, "ja", "float16")
    assert Path(choice.model_folder).name == "faster-whisper-large-v3"
    assert choice.precision == "float16"


def test_without_any_recogniser_the_error_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(BackendMissing, match="upload transcripts"):
        choose_recogniser("auto", tmp_path, "en")


@pytest.fixture(scope="module")
def wheel_model(tmp_path_factory: pytest.TempPathFactory) -> RecogniserChoice:
    return choose_recogniser("whisper", tmp_path_factory.mktemp("models"), None)


@needs_wheel_model
def test_the_model_of_the_wheels_recognises_speech_and_its_language(
    wheel_model: RecogniserChoice,
) -> None:
    (heard,) = transcribe([SPEECH / "LJ001-0002.flac"], None, wheel_model)
    assert heard.text.lower() == speech_texts()["LJ001-0002"]
    assert heard.language == "en"
    assert heard.confidence is not None
    assert 0.5 < heard.confidence <= 1


@needs_wheel_model
def test_the_model_of_the_wheels_is_put_together_once(
    wheel_model: RecogniserChoice, tmp_path: Path
) -> None:
    model = Path(wheel_model.model_folder) / "model.bin"
    made_at = model.stat().st_mtime_ns
    assert whisper.model_from_wheels(model.parent) == model.parent
    assert model.stat().st_mtime_ns == made_at
