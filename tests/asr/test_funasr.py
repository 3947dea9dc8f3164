import re
from difflib import SequenceMatcher
from pathlib import Path

import numpy as np
import pytest

from ray_pipeline.asr.backends import choose_recogniser
from ray_pipeline.asr.funasr import PARAFORMER, FunasrRecogniser, _sense_voice_result, folder_for
from ray_pipeline.asr.pieces import RATE, read_clip
from ray_pipeline.asr.recogniser import Recognition
from ray_pipeline.asr.transcribing import transcribe
from tests.asr.tiny_funasr import make_paraformer, make_sense_voice
from tests.audio.signals import SPEECH

CLIPS = [SPEECH / f"{name}.flac" for name in ("LJ001-0002", "LJ001-0043")]
CHINESE_CLIPS = sorted((SPEECH.parent / "speech_zh").glob("*.flac"))[:3]


@pytest.mark.parametrize(
    ("tagged", "language", "expected"),
    [
        ("<|zh|><|NEUTRAL|><|Speech|><|withitn|>你好。", None, Recognition("你好。", "zh", None)),
        ("<|en|><|HAPPY|>Hi. <|en|><|SAD|>Bye.", "en", Recognition("Hi. Bye.", "en", None)),
        ("Plain.", None, Recognition("Plain.", "auto", None)),
    ],
)
def test_sense_voices_tags_become_the_language(
    tagged: str, language: str | None, expected: Recognition
) -> None:
    assert _sense_voice_result(tagged, language) == expected


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights: their text is noise, the same for the same sound."""
    folder = tmp_path_factory.mktemp("models")
    make_paraformer(make_sense_voice(folder / "asr"))
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
    folder = folder_for(models, "en")
    assert folder is not None
    recogniser = FunasrRecogniser(folder, "int8", use_gpu=False, num_threads=1)
    assert recogniser.precision == "float32"
    pieces = [read_clip(path) for path in CLIPS]
    together = recogniser.recognise(pieces, "en")
    assert together == [recogniser.recognise([piece], "en")[0] for piece in pieces]
    spans = recogniser.find_speech(pieces[1])
    assert spans
    assert 0 <= spans[0][0] < spans[-1][1] <= len(pieces[1]) / RATE


@pytest.mark.slow
def test_mandarin_is_heard_by_paraformer_and_punctuated(models: Path) -> None:
    choice = choose_recogniser("funasr", models, "zh")
    assert choice.version == PARAFORMER
    answers = transcribe(CHINESE_CLIPS, "zh", choice)
    assert len({heard.text for heard in answers}) == len(CHINESE_CLIPS)
    for heard in answers:
        assert (heard.language, heard.problem) == ("zh", "")
        assert heard.segments
        # Characters without the spaces that Paraformer puts between them, halves of a word as one.
        assert re.search("[今天气很好我们去公园吧]{2}", heard.text)
        assert re.search("[，。？、]", heard.text)
        assert "@@" not in heard.text


@pytest.mark.slow
def test_a_batch_with_nothing_in_it_is_heard_like_one_at_a_time(models: Path) -> None:
    recogniser = FunasrRecogniser(
        models / "asr" / PARAFORMER, "float16", use_gpu=False, num_threads=1
    )
    assert recogniser.precision == "float32"
    nothing = np.zeros(400, np.float32)
    pieces = [read_clip(CHINESE_CLIPS[0]), nothing, read_clip(CHINESE_CLIPS[1])]
    together = recogniser.recognise(pieces, "zh")
    assert together == [recogniser.recognise([piece], "zh")[0] for piece in pieces]
    assert [bool(heard.text) for heard in together] == [True, False, True]
    assert recogniser.recognise([nothing], "zh")[0].text == ""


@pytest.mark.slow
@pytest.mark.parametrize("language", ["zh", "en"])
def test_bfloat16_hears_nearly_the_same(models: Path, language: str) -> None:
    folder = folder_for(models, language)
    assert folder is not None
    piece = read_clip(CHINESE_CLIPS[0])
    texts = []
    for precision in ("float32", "bfloat16"):
        recogniser = FunasrRecogniser(folder, precision, use_gpu=False, num_threads=1)
        assert recogniser.precision == precision
        texts.append(recogniser.recognise([piece], language)[0].text)
    # Random weights hardly prefer one word to another: a few of them change.
    assert SequenceMatcher(None, *texts).ratio() > 0.8
