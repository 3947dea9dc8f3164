"""What a voice may be called, and which version of it is meant."""

import pytest

from ray_pipeline.core.errors import InvalidInput
from ray_pipeline.core.voice_names import check_voice_name, split_spoken


@pytest.mark.parametrize("name", ["anna", "小红", "हिन्दी", "Ünal-2.1_b", "9", "เสียง"])
def test_letters_and_digits_of_any_script_are_a_name(name: str) -> None:
    assert check_voice_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "a b",
        "a/b",
        "anna@3",
        "..",
        ".hidden",
        "-x",
        "a\0",
        "x" * 101,
        "a%2fb",
        "😀",
    ],
)
def test_what_would_break_an_address_or_a_version_is_no_name(name: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_voice_name(name)
    assert refused.value.extra["field"] == "name"


def test_an_id_is_no_name() -> None:
    with pytest.raises(InvalidInput, match="looks like the id"):
        check_voice_name("123e4567-e89b-12d3-a456-426614174000")


def test_two_ways_to_type_one_word_are_one_name() -> None:
    assert check_voice_name("E\u0301mile") == check_voice_name("\u00c9mile")


def test_a_version_stands_behind_the_last_at_sign() -> None:
    assert split_spoken("anna@3") == ("anna", 3)
    assert split_spoken("anna") == ("anna", None)
    assert split_spoken("anna@new") == ("anna@new", None)
    assert split_spoken("anna@") == ("anna@", None)
