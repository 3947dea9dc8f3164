from pathlib import Path

import pytest

from ray_pipeline.asr.funasr import FunasrRecogniser, _sense_voice_result, folder_for
from ray_pipeline.asr.pieces import RATE, read_clip
from ray_pipeline.asr.recognition import Recognised, choose_recogniser, transcribe
from tests.asr.tiny_models import make_sense_voice
from tests.audio.signals import SPEECH

CLIPS = [SPEECH / f"{name}.flac" for name in ("LJ001-0002", "LJ001-0043")]


@pytest.mark.parametrize(
    ("tagged", "language", "expected"),
    [
        ("<|zh|><|NEUTRAL|><|Speech|><|withitn|>你好。", None, Recognised("你好。", "zh", None)),
        ("<|en|><|HAPPY|>Hi. <|en|><|SAD|>Bye.", "en", Recognised("Hi. Bye.", "en", None)),
        ("Plain.", None, Recognised("Plain.", "auto", None)),
    ],
)
def test_sense_voices_tags_become_the_language(
    tagged: str, language: str | None, expected: Recognised
) -> None:
    assert _sense_voice_result(tagged, language) == expected


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SenseVoice and FSMN with random weights: their text is noise, the same for the same sound."""
    folder = tmp_path_factory.mktemp("models")
    make_sense_voice(folder / "asr")
    return folder


@pytest.mark.slow
def test_files_are_transcribed_through_the_folders(models: Path, tmp_path: Path) -> None:
    torn = tmp_path / "torn.wav"
    torn.write_bytes(b"RIFF")
    choice = choose_recogniser("funasr", models, "en")
    first, none, second = transcribe([CLIPS[0], torn, CLIPS[1]], "en", choice)
    assert "cannot be read" in none.problem
    for heard in (first, second):
        assert heard.text
        assert (heard.language, heard.confidence) == ("en", None)
        assert heard.segments
    assert first.text != second.text


@pytest.mark.slow
def test_a_batch_is_heard_like_one_at_a_time(models: Path) -> None:
    folder = folder_for(models / "asr", "en")
    assert folder is not None
    recogniser = FunasrRecogniser(folder, "int8", use_gpu=False, num_threads=1)
    assert recogniser.precision == "float32"
    pieces = [read_clip(path) for path in CLIPS]
    together = recogniser.hear(pieces, "en")
    assert together == [recogniser.hear([piece], "en")[0] for piece in pieces]
    spans = recogniser.find_speech(pieces[1])
    assert spans
    assert 0 <= spans[0][0] < spans[-1][1] <= len(pieces[1]) / RATE
