import pytest

from examples.figures import collect_curves
from examples.intelligibility import word_error_rate


@pytest.mark.parametrize(
    ("said", "heard", "rate"),
    [
        ("Hello, world!", "hello world", 0.0),
        ("one two three four", "one three four", 0.25),
        ("one two", "", 1.0),
        ("one", "one two three", 2.0),
    ],
)
def test_word_errors_are_counted_by_words_said(said, heard, rate):
    assert word_error_rate(said, heard) == rate


def test_curves_are_collected_by_name_over_steps():
    metrics = [
        {"values": {"gpt/loss": 3.0}, "epoch": 1, "step": 7},
        {"values": {"gpt/loss": 2.0, "gpt/top3": 0.5}, "epoch": 2, "step": 14},
    ]
    assert collect_curves(metrics) == {"gpt/loss": [(7, 3.0), (14, 2.0)], "gpt/top3": [(14, 0.5)]}
