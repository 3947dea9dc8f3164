from __future__ import annotations

import pytest

from ray_pipeline.core.errors import InvalidInput
from ray_pipeline.text.own_words import parse_dictionary, split_at, spread


def test_a_dictionary_file_has_a_word_and_its_phones_a_line() -> None:
    lines = "# mine\nRay\tR EY1\n\n重庆 ch ong2 q ing4  # a city\nNew York\tN UW1\n"
    assert parse_dictionary(lines) == {
        "Ray": ["R", "EY1"],
        "重庆": ["ch", "ong2", "q", "ing4"],
        "New York": ["N", "UW1"],
    }


def test_a_line_without_phones_is_named() -> None:
    with pytest.raises(InvalidInput, match="Line 2"):
        parse_dictionary("a AH0\nalone\n")


def test_a_phone_that_the_table_lacks_is_named_with_its_line() -> None:
    with pytest.raises(InvalidInput, match=r"Line 3 of my\.dict reads 'Bo'.*no phone: XX"):
        parse_dictionary("# mine\na AH0\nBo\tB XX\n", source="my.dict", symbols="v2")


def test_the_longest_word_wins_where_two_begin_alike() -> None:
    assert split_at("大象牙", ["大", "大象"]) == ["大象", "牙"]


def test_nothing_is_lost_by_splitting() -> None:
    assert "".join(split_at("a,bB,c", ["b"], "[,]")) == "a,bB,c"


def test_phones_are_spread_over_characters_the_first_getting_more() -> None:
    assert spread(["a", "b", "c"], 2) == [["a", "b"], ["c"]]
    assert spread(["a"], 2) == [["a"], []]
