from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ray_pipeline.core.errors import InvalidInput, PipelineError
from ray_pipeline.text import phonemize_language
from ray_pipeline.text.cantonese.front_end import normalise
from ray_pipeline.text.cantonese.syllables import symbols
from ray_pipeline.text.symbols import symbol_table


def say(text: str, **options: bool) -> str:
    return " ".join(phonemize_language(text, "yue", **options).phones)


@pytest.mark.parametrize(
    ("syllable", "parts"),
    [
        ("gwong2", ["Ygw", "Yong2"]),
        ("ngaa4", ["Yng", "Yaa4"]),
        ("ng5", ["Yng", "Yg5"]),
        ("aap3", ["Yaa", "Yp3"]),
        ("uk1", ["Yuk", "Yk1"]),
        ("m4", ["Ym", "Ym4"]),
    ],
)
def test_a_syllable_is_cut_as_the_checkpoints_know_it(syllable: str, parts: list[str]) -> None:
    assert symbols(syllable) == parts


def test_a_word_decides_how_a_character_is_read() -> None:
    assert say("行路") == "Yh Yaang4 Yl You6"
    assert say("銀行").endswith("Yh Yong4")


def test_runs_of_marks_stay() -> None:
    assert say("好！！？") == "Yh You2 ! ! ?"


def test_numbers_are_said_as_in_chinese_in_strict_mode() -> None:
    assert phonemize_language("有2隻，100年前", "yue").norm_text == "有两只,一零零年前"


def test_cantonese_characters_and_digits_stay_cantonese_without_strict_compat() -> None:
    spoken = phonemize_language("係13812345678㗎", "yue", strict_compat=False)
    assert spoken.norm_text == "係一三八一二三四五六七八㗎"
    assert spoken.unknown == []
    assert phonemize_language("係㗎", "yue").norm_text == "系"
    assert phonemize_language("係㗎", "yue").unknown == ["㗎"]


def test_a_character_of_two_syllables_is_said_in_both_without_strict_compat() -> None:
    assert say("卅", strict_compat=False) == "Ys Yaa1 Yaa Ya6"
    assert phonemize_language("卅", "yue").phones == ["Ys", "UNK"]


def test_a_user_word_wins() -> None:
    own = {"老王": ["Yl", "You5", "Yw", "Yong2"]}
    spoken = phonemize_language("係老王", "yue", dictionary=own)
    assert spoken.phones[-4:] == own["老王"]
    assert spoken.word2ph == [2, 2, 2]


def test_a_text_without_anything_cantonese_is_refused() -> None:
    with pytest.raises(InvalidInput, match="nothing that can be read"):
        phonemize_language("ok 😀", "yue")


_HANZI = st.characters(min_codepoint=0x3400, max_codepoint=0x9FFF)


@given(st.text(st.one_of(st.characters(), _HANZI), max_size=30), st.booleans())
@settings(max_examples=200, deadline=None)
def test_any_text_is_read_or_refused_by_name(text: str, strict: bool) -> None:
    try:
        spoken = phonemize_language(text, "yue", strict_compat=strict)
    except PipelineError:
        return
    table = symbol_table("v2")
    assert [table[phone] for phone in spoken.phones] == spoken.ids
    assert spoken.word2ph is not None
    assert sum(spoken.word2ph) == len(spoken.phones)
    assert len(spoken.word2ph) == len(spoken.norm_text)


@given(st.text(st.sampled_from("一二係個㗎卅0123459.,-+=:/%￥℃km～—…！？，。\n α幺"), max_size=30))
@settings(max_examples=300, deadline=None)
def test_normalising_twice_changes_nothing(text: str) -> None:
    once = normalise(text, strict_compat=False).text
    assert normalise(once, strict_compat=False).text == once


@given(st.text(st.sampled_from("一二係個卅0123459.,-+=:/%￥℃km～—…！？，。\n α幺"), max_size=30))
@settings(max_examples=300, deadline=None)
def test_strict_normalisation_settles_the_second_time(text: str) -> None:
    # The original makes - of ~ and ... of 。。。; both mean something else when read again.
    twice = normalise(normalise(text).text).text
    assert normalise(twice).text == twice
