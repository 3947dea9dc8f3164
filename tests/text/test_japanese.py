from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ray_pipeline.core.errors import InvalidInput, PipelineError
from ray_pipeline.text import phonemize_language
from ray_pipeline.text.japanese.front_end import normalise
from ray_pipeline.text.symbols import symbol_table


def say(text: str, **options: bool) -> str:
    return " ".join(phonemize_language(text, "ja", **options).phones)


@pytest.mark.parametrize(
    ("text", "phones"),
    [
        ("犬", "i [ n u"),
        ("朝ごはん", "a [ s a g o ] h a N"),
        ("切手", "k i [ cl t e"),
        ("好き", "s u [ k i"),
    ],
)
def test_pitch_rises_and_falls_and_devoiced_vowels_are_voiced(text: str, phones: str) -> None:
    assert say(text) == phones


def test_accent_phrases_part_with_an_unknown_symbol_that_is_not_reported() -> None:
    spoken = phonemize_language("赤い車が走る", "ja")
    assert spoken.phones.count("UNK") == 2
    assert spoken.unknown == []


def test_marks_become_the_symbols_for_them() -> None:
    assert [
        p for p in phonemize_language("え、あ。お！う？\nい", "ja").phones if not p.isalpha()
    ] == [*",.!?."]


def test_what_has_no_symbol_is_reported() -> None:
    assert phonemize_language("猫♪", "ja").unknown == ["♪"]


@pytest.mark.parametrize(
    ("written", "right"),
    [
        ("1,280円", "1280円"),
        ("3.14", "3テンイチヨン"),
        ("03-1234-5678", "ゼロサン、イチニサンヨン、ゴロクナナハチ"),
        ("「はい」♪", "はい"),
        ("５０％", "50パーセント"),
        ("￥500", "500円"),
    ],
)
def test_what_the_original_reads_wrongly_is_right_without_strict_compat(
    written: str, right: str
) -> None:
    assert normalise(written, strict_compat=False) == right
    assert normalise(written) == written


def test_a_user_word_wins() -> None:
    own = {"GPT": ["j", "i", "i"]}
    assert say("gptだ") != " ".join(phonemize_language("gptだ", "ja", dictionary=own).phones)
    assert phonemize_language("gptだ", "ja", dictionary=own).phones[:3] == ["j", "i", "i"]


@pytest.mark.parametrize("text", ["", "   ", "ー"])
def test_a_text_without_sound_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="nothing that can be read"):
        phonemize_language(text, "ja")


_JAPANESE = st.one_of(
    st.characters(min_codepoint=0x3000, max_codepoint=0x30FF),
    st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF),
    st.characters(min_codepoint=0xFF00, max_codepoint=0xFFEF),
    st.characters(),
)


@given(st.text(_JAPANESE, max_size=25), st.booleans())
@settings(max_examples=200, deadline=None)
def test_any_text_is_read_or_refused_by_name(text: str, strict: bool) -> None:
    try:
        spoken = phonemize_language(text, "ja", strict_compat=strict)
    except PipelineError:
        return
    table = symbol_table("v2")
    assert [table[phone] for phone in spoken.phones] == spoken.ids


def test_a_long_text_is_read() -> None:
    assert len(phonemize_language("今日はいい天気です。" * 300, "ja").phones) > 6000
    assert len(phonemize_language("日本" * 3000, "ja").phones) > 9000


@given(st.text(st.sampled_from("あアー一2305.,-+%％￥０Ａa「」！!?…、。〜♪ \n"), max_size=30))
@settings(max_examples=400, deadline=None)
def test_normalising_twice_changes_nothing(text: str) -> None:
    for strict in (True, False):
        once = normalise(text, strict_compat=strict)
        assert normalise(once, strict_compat=strict) == once
