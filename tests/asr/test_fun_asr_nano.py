"""Fun-ASR-Nano with random weights and a template of our own: that it loads, runs and ends."""

from pathlib import Path

import pytest

from ray_pipeline.asr import fun_asr_nano
from ray_pipeline.asr.backends import choose_recogniser
from ray_pipeline.asr.fun_asr_nano import FunAsrNanoRecogniser
from ray_pipeline.asr.pieces import read_clip
from ray_pipeline.asr.transcribing import transcribe
from ray_pipeline.core.errors import BackendMissing
from tests.asr.tiny_models import make_fun_asr_nano
from tests.audio.signals import SPEECH

pytest.importorskip("transformers.models.fun_asr_nano", reason="transformers is older than 5.17")

CLIPS = [SPEECH / f"{name}.flac" for name in ("LJ001-0002", "LJ001-0043")]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    make_fun_asr_nano(folder / "asr" / fun_asr_nano.FOLDER)
    return folder


@pytest.fixture(scope="module")
def recogniser(models: Path) -> FunAsrNanoRecogniser:
    folder = models / "asr" / fun_asr_nano.FOLDER
    return FunAsrNanoRecogniser(folder, None, use_gpu=False, num_threads=1)


def test_it_is_taken_for_the_languages_that_it_knows(models: Path) -> None:
    for language in ("zh", "en", "ja", None):
        assert choose_recogniser("fun-asr-nano", models, language).backend == "fun-asr-nano"
    with pytest.raises(BackendMissing, match="does not know the language 'ko'"):
        choose_recogniser("fun-asr-nano", models, "ko")


def test_without_its_files_the_error_says_what_to_pull(tmp_path: Path) -> None:
    with pytest.raises(BackendMissing, match="gsv models pull fun-asr-nano"):
        choose_recogniser("fun-asr-nano", tmp_path, "zh")


def test_files_are_transcribed_with_confidence_and_times(models: Path) -> None:
    choice = choose_recogniser("fun-asr-nano", models, "zh")
    (heard,) = transcribe(CLIPS[:1], "zh", choice)
    assert heard.text
    assert heard.language == "zh"
    assert heard.confidence is not None
    assert 0 <= heard.confidence < 1
    assert heard.segments


def test_a_batch_is_heard_like_one_at_a_time(recogniser: FunAsrNanoRecogniser) -> None:
    pieces = [read_clip(path) for path in CLIPS]
    together = recogniser.recognise(pieces, "en")
    assert together == [recogniser.recognise([piece], "en")[0] for piece in pieces]


def test_what_repeats_is_heard_again_without_repeating(
    recogniser: FunAsrNanoRecogniser, monkeypatch: pytest.MonkeyPatch
) -> None:
    piece = read_clip(CLIPS[0])
    first = recogniser.recognise([piece], "en")
    monkeypatch.setattr(fun_asr_nano, "repeats", lambda text: True)
    monkeypatch.setattr(fun_asr_nano, "_NO_REPEATED_TOKENS", 1)
    (again,) = recogniser.recognise([piece], "en")
    assert [again] != first


def test_the_language_that_is_not_given_is_guessed_from_the_script(
    recogniser: FunAsrNanoRecogniser,
) -> None:
    (heard,) = recogniser.recognise([read_clip(CLIPS[0])], None)
    assert heard.language in ("zh", "en", "ja", "ko")
