from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ray_pipeline.core.errors import InvalidInput, PipelineError
from ray_pipeline.text import phonemize_language
from ray_pipeline.text.korean.corrections import correct
from ray_pipeline.text.symbols import symbol_table


def say(text: str, **options: bool) -> str:
    return "".join(phonemize_language(text, "ko", **options).phones)


@pytest.mark.parametrize(
    ("text", "phones"),
    [
        ("국민", "ㄱㅜㅇㅁㅣㄴ."),
        ("신라면", "ㅅㅣㄹㄹㅏㅁㅣㅓㄴ."),
        ("학생", "ㅎㅏㄱㅆㅐㅇ."),
        ("밭이", "ㅂㅏㅊㅣ."),
        ("놓고", "ㄴㅗㅋㅗ."),
        ("와 외", "ㅇㅗㅏ空ㅇㅗㅣ."),
    ],
)
def test_syllables_are_said_by_the_rules_and_taken_apart(text: str, phones: str) -> None:
    assert say(text) == phones


def test_numbers_are_counted_in_the_way_of_what_they_count() -> None:
    assert say("2개") == say("두개")
    assert say("2분") == say("이분")


def test_latin_letters_are_said_by_name() -> None:
    assert say("TV") == say("티브이")


@pytest.mark.parametrize(
    ("written", "right"),
    [
        ("02-123-4567", "공이 일이삼 사오육칠"),
        ("5kg", "5킬로그램"),
        ("2.5", "2점오"),
        ("1/3", "3분의 1"),
        ("3~5일", "3에서 5일"),
        ("‘네’", "네"),
        ("coffee와 TV", "coffee와 티브이"),
    ],
)
def test_what_the_original_reads_wrongly_is_right_without_strict_compat(
    written: str, right: str
) -> None:
    assert correct(written, {"coffee"}) == right
    assert phonemize_language(written, "ko", strict_compat=False).norm_text == right
    assert phonemize_language(written, "ko").norm_text == written


def test_what_has_no_symbol_is_reported() -> None:
    spoken = phonemize_language("中국 ♥", "ko")
    assert spoken.unknown == ["中", "♥"]
    assert spoken.phones.count("停") == 2


def test_a_user_word_wins() -> None:
    own = {"RVC": ["ㅏ", "ㄹ"]}
    assert phonemize_language("rvc는", "ko", dictionary=own).phones[:2] == ["ㅏ", "ㄹ"]


def test_an_empty_text_is_refused() -> None:
    with pytest.raises(InvalidInput, match="nothing that can be read"):
        phonemize_language("", "ko")


_KOREAN = st.one_of(
    st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3),
    st.characters(min_codepoint=0x1100, max_codepoint=0x11FF),
    st.characters(min_codepoint=0x3130, max_codepoint=0x318F),
    st.sampled_from("0123456789 /BEPJ의개.,"),
    st.characters(),
)


@given(st.text(_KOREAN, max_size=25), st.booleans())
@settings(max_examples=200, deadline=None)
def test_any_text_is_read_or_refused_by_name(text: str, strict: bool) -> None:
    try:
        spoken = phonemize_language(text, "ko", strict_compat=strict)
    except PipelineError:
        return
    table = symbol_table("v2")
    assert [table[phone] for phone in spoken.phones] == spoken.ids
    assert "UNK" not in spoken.phones


@given(st.text(st.sampled_from("가의개 0123-./%~+=₩₩,kgmTVa'“♥\n"), max_size=30))
@settings(max_examples=300, deadline=None)
def test_correcting_twice_changes_nothing(text: str) -> None:
    once = correct(text, {"tv", "am"})
    assert correct(once, {"tv", "am"}) == once
