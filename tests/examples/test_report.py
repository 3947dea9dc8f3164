from pathlib import Path

import pytest

from examples.figures import collect_curves
from examples.intelligibility import Heard, Intelligibility, error_share


def heard(said: str, text: str) -> Heard:
    return Heard(Path("a.wav"), said, text)


@pytest.mark.parametrize(
    ("said", "text", "share"),
    [
        ("Hello, world!", "hello world", 0.0),
        ("abcd", "abd", 0.25),
        ("ab", "", 1.0),
        ("a", "abc", 2.0),
    ],
)
def test_wrong_characters_are_counted_by_characters_said(said, text, share):
    assert error_share([heard(said, text)]) == share


def test_long_sentences_weigh_more_than_short_ones():
    assert error_share([heard("a", "b"), heard("abcdefghi", "abcdefghi")]) == 0.1


def test_the_table_has_the_voice_and_the_recordings_it_is_held_against():
    table = Intelligibility([heard("ab", "ac")], [heard("ab", "ab")]).table()
    assert "50%" in table
    assert "50.0% of the characters that the voice says, 0.0% of the recordings'" in table


def test_curves_are_collected_by_name_over_steps():
    metrics = [
        {"values": {"gpt/loss": 3.0}, "epoch": 1, "step": 7},
        {"values": {"gpt/loss": 2.0, "gpt/top3": 0.5}, "epoch": 2, "step": 14},
    ]
    assert collect_curves(metrics) == {"gpt/loss": [(7, 3.0), (14, 2.0)], "gpt/top3": [(14, 0.5)]}
