import pytest

from ray_pipeline.text import phonemize
from ray_pipeline.voice.hearing import compare

TEXT = "Printing is an old art, and it is done by hand."
PHONES = phonemize(TEXT, "en")


@pytest.mark.parametrize(
    "heard",
    [
        TEXT,
        "printing is an old art and it is done by hand",
        "Printing's an old art. And it's done by hand",
    ],
)
def test_what_was_understood_is_good(heard: str) -> None:
    assert not compare(PHONES, heard).problem


def test_numbers_may_be_written_otherwise() -> None:
    assert not compare(phonemize("It has twenty-five rooms.", "en"), "It has 25 rooms").problem


def test_a_missing_word_is_told_and_more_of_them_are_worse() -> None:
    one = compare(PHONES, "Printing is an old art, and it is done.")
    more = compare(PHONES, "Printing is an old art.")
    assert "words are missing" in one.problem
    assert 0 < one.badness < more.badness


@pytest.mark.parametrize("heard", ["", "?!", "Something else altogether was said here by someone."])
def test_what_was_not_understood_is_worst(heard: str) -> None:
    verdict = compare(PHONES, heard)
    assert "Only" in verdict.problem
    assert verdict.badness > 0.5


def test_tones_and_marks_do_not_count() -> None:
    phones = phonemize("这行有人吗？", "zh")
    assert not compare(phones, "这行有人吗").problem
