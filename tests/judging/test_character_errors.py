import pytest

from ray_pipeline.judging.character_errors import distance, error_rate, spelled


@pytest.mark.parametrize(
    ("one", "other", "language"),
    [
        ("It's 5 o’clock, isn't it?", "its five oclock isnt it", "en"),
        ("Well-known.", "well known", "en"),
        ("他有25本書。", "他有二十五本书", "zh"),
        ("ＡＢＣ です。", "abc です", "ja"),
        ("안녕하세요!", "안녕하세요", "ko"),
    ],
)
def test_what_may_be_written_in_two_ways_is_no_error(one: str, other: str, language: str) -> None:
    assert spelled(one, language) == spelled(other, language)
    assert error_rate([(one, other, language)]) == 0


def test_characters_left_out_put_in_and_replaced_count_once_each() -> None:
    assert distance("kitten", "sitting") == 3
    assert distance("", "ab") == distance("ab", "") == 2
    assert error_rate([("abcd", "abxd", "en"), ("abcd", "ab", "en")]) == pytest.approx(3 / 8)


def test_a_sentence_has_as_many_errors_as_characters_at_most() -> None:
    assert error_rate([("abcd", "la " * 100, "en"), ("abcd", "abcd", "en")]) == 0.5


def test_without_texts_there_is_no_rate() -> None:
    assert error_rate([]) is None
    assert error_rate([("...", "hello", "en")]) is None
