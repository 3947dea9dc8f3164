import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import soundfile

from ray_pipeline.asr import faster_whisper, fun_asr_nano, funasr
from ray_pipeline.asr.backends import (
    BACKENDS,
    RecogniserChoice,
    choose_recogniser,
    known_errors,
    load_recogniser,
)
from ray_pipeline.asr.pieces import RATE, read_clip
from ray_pipeline.asr.recogniser import RecogniserName, name_for_people
from ray_pipeline.asr.transcribing import transcribe
from ray_pipeline.core.errors import BackendMissing, BadModelFile
from ray_pipeline.core.options import AsrTranscribeOptions
from ray_pipeline.transcripts.list_file import read_list
from tests.audio.signals import SPEECH, speech_texts

pytestmark = pytest.mark.slow

SAMPLES = Path(__file__).parents[2] / "samples"

needs_wheel_model = pytest.mark.skipif(
    importlib.util.find_spec(faster_whisper.PACKAGE) is None
    or not faster_whisper.wheels_are_installed(),
    reason="the wheels with Whisper base are not installed (pip install .[offline])",
)


def put_funasr_model(models: Path, *names: str) -> None:
    for name in names:
        (models / "asr" / name).mkdir(parents=True)
        (models / "asr" / name / "model.pt").touch()
        (models / "asr" / name / "config.yaml").touch()


def test_paraformer_is_taken_for_mandarin_and_sense_voice_for_the_rest(tmp_path: Path) -> None:
    put_funasr_model(
        tmp_path, funasr.PARAFORMER, funasr.VAD, funasr.PUNCTUATION, funasr.SENSE_VOICE
    )
    assert choose_recogniser("auto", tmp_path, "zh").version == funasr.PARAFORMER
    assert choose_recogniser("funasr", tmp_path, "ja").version == funasr.SENSE_VOICE
    assert choose_recogniser("auto", tmp_path, None).version == funasr.SENSE_VOICE


def test_an_incomplete_funasr_model_does_not_count(tmp_path: Path) -> None:
    put_funasr_model(tmp_path, funasr.PARAFORMER)
    with pytest.raises(BackendMissing, match="gsv models pull sensevoice"):
        choose_recogniser("funasr", tmp_path, "zh")


@pytest.mark.skipif(
    importlib.util.find_spec(faster_whisper.PACKAGE) is None,
    reason="faster-whisper is not installed",
)
def test_a_larger_whisper_model_in_the_folder_is_preferred(tmp_path: Path) -> None:
    for name in ("faster-whisper-small", "faster-whisper-large-v3"):
        folder = tmp_path / "asr" / name
        folder.mkdir(parents=True)
        (folder / "model.bin").touch()
        (folder / "tokenizer.json").touch()
        (folder / "config.json").write_text("{}")
    choice = choose_recogniser("auto", tmp_path, "ja", "float16")
    assert Path(choice.model_folder).name == "faster-whisper-large-v3"
    assert choice.precision == "float16"


def put_whisper(models: Path, name: str) -> None:
    """Whisper in Hugging Face's format, by the names of its files."""
    folder = models / "asr" / name
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"model_type": "whisper"}))
    (folder / "model.safetensors").touch()


def test_a_model_that_cannot_be_loaded_is_named(tmp_path: Path) -> None:
    put_whisper(tmp_path, "whisper-small")
    choice = choose_recogniser("whisper", tmp_path, "en")
    clip = next(SPEECH.glob("*.flac"))
    with pytest.raises(BadModelFile, match="The recogniser whisper-small cannot be loaded"):
        transcribe([clip], "en", choice)


def test_a_tuned_model_is_preferred_to_the_published_sizes(tmp_path: Path) -> None:
    put_whisper(tmp_path, "whisper-large-v3-turbo")
    assert choose_recogniser("auto", tmp_path, "ja").version.startswith("whisper-large-v3-turbo-")
    put_whisper(tmp_path, "whisper-large-v3")
    assert not choose_recogniser("auto", tmp_path, "ja").version.startswith("whisper-large-v3-t")
    put_whisper(tmp_path, "our-own-whisper")
    assert choose_recogniser("auto", tmp_path, "ja").version.startswith("our-own-whisper-")


@pytest.mark.parametrize(
    ("version", "name"),
    [
        ("faster-whisper-base-wheel-01ab23cd", "Whisper base"),
        ("whisper-large-v3-turbo-0123abcd", "Whisper large-v3-turbo"),
        ("our-own-whisper-0123abcd", "our-own-whisper"),
        (funasr.PARAFORMER, "Paraformer"),
        (funasr.SENSE_VOICE, "SenseVoiceSmall"),
        (f"{fun_asr_nano.FOLDER}-0123abcd", "Fun-ASR-Nano-2512"),
    ],
)
def test_sentences_call_a_recogniser_as_people_do(version: str, name: str) -> None:
    assert name_for_people(version) == name


def test_fun_asr_nano_comes_after_the_small_models_and_before_whisper(tmp_path: Path) -> None:
    put_whisper(tmp_path, "whisper-large-v3")
    put_whisper(tmp_path, fun_asr_nano.FOLDER)
    config = tmp_path / "asr" / fun_asr_nano.FOLDER / "config.json"
    config.write_text(json.dumps({"model_type": "fun_asr_nano"}))
    assert choose_recogniser("auto", tmp_path, "zh").backend == "fun-asr-nano"
    assert choose_recogniser("auto", tmp_path, "ko").backend == "whisper"
    put_funasr_model(tmp_path, funasr.VAD, funasr.SENSE_VOICE)
    assert choose_recogniser("auto", tmp_path, "zh").backend == "funasr"


def test_without_any_recogniser_the_error_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(BackendMissing, match="upload transcripts"):
        choose_recogniser("auto", tmp_path, "en")


def test_the_table_has_the_back_ends_that_the_options_offer() -> None:
    offered = get_args(AsrTranscribeOptions.model_fields["backend"].annotation)
    assert ("auto", *BACKENDS) == offered


@pytest.mark.parametrize("name", BACKENDS)
def test_a_back_end_that_can_be_chosen_lacks_nothing_and_one_that_lacks_cannot(
    name: RecogniserName, tmp_path: Path
) -> None:
    lacks_nothing = not BACKENDS[name].missing(tmp_path)
    try:
        choose_recogniser(name, tmp_path, None)
    except BackendMissing:
        assert not lacks_nothing
    else:
        assert lacks_nothing


def test_a_back_end_says_which_packages_and_folders_it_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_funasr_model(tmp_path, funasr.VAD)
    lacks = BACKENDS["funasr"].missing(tmp_path)
    assert f"asr/{funasr.SENSE_VOICE}/model.pt" in lacks
    assert f"asr/{funasr.VAD}/model.pt" not in lacks
    put_funasr_model(tmp_path, funasr.SENSE_VOICE)
    assert BACKENDS["funasr"].missing(tmp_path) == []
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert BACKENDS["funasr"].missing(tmp_path) == ["funasr"]
    assert "faster-whisper" in BACKENDS["whisper"].missing(tmp_path)


def test_asking_what_is_ready_loads_no_model_library() -> None:
    code = (
        "import sys; from pathlib import Path; from ray_pipeline.asr.backends import BACKENDS\n"
        "for row in BACKENDS.values(): row.missing(Path('nowhere'))\n"
        "sys.exit(bool({'torch', 'transformers', 'faster_whisper', 'funasr'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_what_whisper_base_gets_wrong_is_known_and_of_larger_ones_nothing() -> None:
    known = known_errors("whisper", "faster-whisper-base-wheel-01ab23cd", "zh")
    assert known is not None
    assert str(known).startswith("9 to 26 of 100 Mandarin characters are wrong")
    assert known_errors("whisper", "whisper-tiny-01ab23cd", "zh") == known
    for version in ("faster-whisper-large-v3-01ab23cd", "our-whisper-base-tuned-01ab23cd"):
        assert known_errors("whisper", version, "zh") is None
    assert known_errors("whisper", "faster-whisper-base-wheel-01ab23cd", "ja") is None
    assert known_errors("funasr", funasr.SENSE_VOICE, "zh") is None
    assert known_errors("of long ago", "x", "zh") is None


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
def test_a_batch_is_heard_like_one_at_a_time(wheel_model: RecogniserChoice) -> None:
    recogniser = load_recogniser(wheel_model, False, 1)
    pieces = [read_clip(SPEECH / f"{name}.flac") for name in ("LJ001-0002", "LJ001-0043")]
    together = recogniser.recognise(pieces, "en")
    assert words(together[0].text) == words(speech_texts()["LJ001-0002"])
    assert words(together[1].text)[-1] == "venice"  # processors differ in words before
    for piece, heard in zip(pieces, together, strict=True):
        (alone,) = recogniser.recognise([piece], "en")
        assert alone.text == heard.text
        assert alone.confidence == pytest.approx(heard.confidence, abs=0.02)


def words(text: str) -> list[str]:
    return re.sub(r"[^a-z ]", " ", text.lower()).split()


@needs_wheel_model
def test_a_long_recording_neither_repeats_nor_ends_early(
    wheel_model: RecogniserChoice, tmp_path: Path
) -> None:
    rows = read_list(SAMPLES / "transcripts.list")[0][:5]
    speech = [read_clip(SAMPLES / row.file_name) for row in rows]
    waveform = np.concatenate(speech)
    assert len(waveform) > 35 * RATE
    soundfile.write(tmp_path / "long.wav", waveform, RATE)
    (heard,) = transcribe([tmp_path / "long.wav"], "en", wheel_model)
    said = [words(row.text) for row in rows]
    found = words(heard.text)
    assert len(found) < 1.1 * sum(len(sentence) for sentence in said)
    for sentence in said:
        assert len(set(sentence) & set(found)) > 0.8 * len(set(sentence)), sentence
    assert heard.segments[-1][1] > 0.95 * len(waveform) / RATE


@needs_wheel_model
def test_the_model_of_the_wheels_is_put_together_once(
    wheel_model: RecogniserChoice, tmp_path: Path
) -> None:
    model = Path(wheel_model.model_folder) / "model.bin"
    made_at = model.stat().st_mtime_ns
    assert faster_whisper.model_from_wheels(model.parent) == model.parent
    assert model.stat().st_mtime_ns == made_at
