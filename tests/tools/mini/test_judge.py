import pytest

from tools.mini.judge import ErrorRate, spelled


@pytest.mark.parametrize(
    ("said", "heard", "language"),
    [
        ("明天下午三点钟，请来。", "明天下午3點鐘 請來", "zh"),
        ("十分钟以后出发。", "10分鐘以後出發", "zh"),
        ("Platform two, in ten minutes!", "platform 2 in ten minutes", "en"),
    ],
)
def test_other_ways_of_writing_the_same_words_are_no_errors(
    said: str, heard: str, language: str
) -> None:
    assert spelled(said, language) == spelled(heard, language)


def test_errors_are_counted_in_characters_over_all_texts() -> None:
    rate = ErrorRate()
    rate.add("你好吗", "你好", "zh")
    rate.add("我们走", "我们走", "zh")

    assert rate.percent == pytest.approx(100 / 6)


def test_a_listener_that_loops_counts_three_times_the_text_at_most() -> None:
    rate = ErrorRate()
    rate.add("你好", "好" * 100, "zh")

    assert rate.percent == 300
