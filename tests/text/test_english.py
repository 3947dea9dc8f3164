from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ray_pipeline.core.errors import InvalidInput, PipelineError
from ray_pipeline.text import phonemize_language
from ray_pipeline.text.english import numbers
from ray_pipeline.text.english.normalise import normalise
from ray_pipeline.text.english.tagger import Tagger, tokenize
from ray_pipeline.text.symbols import symbol_table


def read(text: str, **options: bool) -> str:
    return phonemize_language(text, "en", **options).norm_text


def say(text: str, **options: bool) -> str:
    return " ".join(phonemize_language(text, "en", **options).phones)


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("7 cats and 12345 dogs", "seven cats and twelve thousand, three hundred forty-five dogs"),
        (
            "in 1905, 1987, 2000 and 2007",
            "in nineteen oh five, nineteen eighty-seven, two thousand and two thousand seven",
        ),
        ("0.25 of it", "zero point two five of it"),
        ("the 3rd and 22nd", "the third and twenty-second"),
        ("at 8:15 and 13:00", "at eight fifteen a.m. and one o'clock p.m."),
        ("$3.01 and $1", "three dollars and one cent and one dollar"),
        ("1tsp and 2s", "one teaspoon and two seconds"),
        ("1/2 and 3/2 and 5/8", "one half and three halves and five eighths"),
        ("50% off", "fifty percent off"),
        ("£2.5 or 1£", "two pounds and fifty pence or one pound"),
        ("3 + 4 = 7", "three plus four Equals seven"),
        ("2/1 and 0/3", "two and zero third"),
        ("déjà vu", "deja vu"),
        ("i.e. this, e.g. that", "that is this, for example that"),
    ],
)
def test_numbers_and_signs_are_spelled_out(written: str, spoken: str) -> None:
    assert read(written) == spoken


@pytest.mark.parametrize(
    ("digits", "cardinal", "ordinal"),
    [
        ("0", "zero", "zeroth"),
        ("12", "twelve", "twelfth"),
        ("40", "forty", "fortieth"),
        ("101", "one hundred one", "one hundred and first"),
        ("1001", "one thousand one", "one thousand and first"),
        ("1100", "one thousand, one hundred", "one thousand, one hundredth"),
        ("1001012", "one million, one thousand twelve", "one million, one thousand and twelfth"),
        ("2" + "0" * 33, "two decillion", "two decillionth"),
    ],
)
def test_whole_numbers_are_named(digits: str, cardinal: str, ordinal: str) -> None:
    assert (numbers.cardinal(digits), numbers.ordinal(digits)) == (cardinal, ordinal)


def test_a_number_beyond_all_names_is_read_digit_by_digit() -> None:
    assert read("9" * 40) == " ".join(["nine"] * 40)


@pytest.mark.parametrize(
    ("written", "original", "right"),
    [
        ("is -3 here", "isnegative three here", "is negative three here"),
        ("wait; no", "wait no", "wait, no"),
        ("don’t", "dont", "don't"),
        ("1ft", "one feet", "one foot"),
        ("2+2=4", "twotwofour", "two plus two equals four"),
        ("the 1990s", "the nineteen ninety seconds", "the nineteen nineties"),
        ("the '80s", "the 'eighty seconds", "the eighties"),
        ("90km/h", "ninety kilometersh", "ninety kilometers per hour"),
        ("at 24:00", "at twenty-fourzero", "at midnight"),
        ("9:05 PM", "nine five a.m. P M", "nine oh five p.m."),
        ("4/7/2021", "four seventhstwenty twenty-one", "April seventh, twenty twenty-one"),
        (
            "call 555-0123",
            "call five hundred fifty-five-one hundred twenty-three",
            "call five five five, zero one two three",
        ),
        ("Dr. Jones", "Dr. Jones", "Doctor Jones"),
        ("MacDonald of NATO", "Mac Donald of N A T O", "MacDonald of Nato"),
        ("one\ntwo", "onetwo", "one. two"),
        (
            "in 1999. Then",
            "in one thousand, nine hundred and ninety-ninth, Then",
            "in nineteen ninety-nine. Then",
        ),
    ],
)
def test_what_the_original_reads_wrongly_is_right_without_strict_compat(
    written: str, original: str, right: str
) -> None:
    assert read(written) == original
    assert read(written, strict_compat=False) == right


def test_a_homograph_is_said_by_its_part_of_speech() -> None:
    phones = say("She will present the present to him")
    assert phones.index("P R IY0 Z EH1 N T") < phones.index("P R EH1 Z AH0 N T")


def test_tokens_are_words_with_what_joins_them_and_single_marks() -> None:
    text = "Don't, well-known - and' example.com. It's a.b''''c?"
    tokens = "Don't , well-known - and ' example.com . It's a . b'''c ?"
    assert tokenize(text) == tokens.split()


def test_tags_are_those_of_nltk() -> None:
    tags = "IN DT JJ NN VBD TO VB , DT NN RB VBD PRP ."
    text = "Before the well-known minister refused to read, the refuse quickly followed him."
    assert [tag for _, tag in Tagger().tag(text)] == tags.split()


def test_initials_are_spelled_and_words_are_not() -> None:
    assert say("the FBI") == "DH AH0 EH1 F B IY1 AY1"
    assert say("xkq") == "EH1 K S K EY1 K Y UW1"


@pytest.mark.parametrize(
    ("word", "ending"), [("smartphone's", "N Z"), ("blogpost's", "T S"), ("paintbox's", "S AH0 Z")]
)
def test_a_possessive_follows_its_last_sound(word: str, ending: str) -> None:
    assert say(f"the {word}").endswith(ending)


@pytest.mark.parametrize("text", ["'s" * 3000, "z" * 1500, "1" * 3000])
def test_a_monstrous_word_is_read_too(text: str) -> None:
    assert phonemize_language(text, "en").phones


def test_a_word_in_no_dictionary_still_gets_phones() -> None:
    phones = phonemize_language("a florbnak", "en").phones
    assert phones[0] == "AH0"
    assert len(phones) > 5


def test_a_short_text_begins_with_a_pause() -> None:
    assert say("B") == ", B IY1"


def test_a_user_word_wins_and_reaches_unknown_words_too() -> None:
    mine = {"Florbnak": ["F", "L", "AO1", "R"], "read": ["R", "EH1", "D"]}
    spoken = phonemize_language("they read Florbnak", "en", dictionary=mine)
    assert " ".join(spoken.phones) == "DH EY1 R EH1 D F L AO1 R"


def test_a_user_word_may_have_capitals_inside_and_be_a_possessive() -> None:
    mine = {"OpenAI": ["OW1"]}
    assert say("OpenAI's") != ", OW1 Z"
    assert phonemize_language("OpenAI's", "en", dictionary=mine).phones == [",", "OW1", "Z"]
    assert (
        phonemize_language("the OpenAI model", "en", dictionary=mine).norm_text
        == "the OpenAI model"
    )


def test_a_user_word_with_a_foreign_phone_is_refused_by_name() -> None:
    with pytest.raises(InvalidInput, match="'QQ'"):
        phonemize_language("hello", "en", dictionary={"hello": ["QQ"]})


def test_letters_of_another_script_are_reported() -> None:
    assert phonemize_language("你好 hello 😀 한 é", "en").unknown == ["你", "好", "😀", "한"]


@given(st.text(max_size=60), st.booleans())
@settings(max_examples=150, deadline=None)
def test_any_text_is_read_or_refused_by_name(text: str, strict: bool) -> None:
    try:
        spoken = phonemize_language(text, "en", strict_compat=strict)
    except PipelineError:
        return
    table = symbol_table("v1")
    assert [table[phone] for phone in spoken.phones] == spoken.ids
    assert "UNK" not in spoken.phones


@given(
    st.text(st.sampled_from("aAbZ0159 .,-+=:;/%$£°CmkieT'’\n?!é。½#&@"), max_size=40),
)
@settings(max_examples=400, deadline=None)
def test_normalising_twice_changes_nothing(text: str) -> None:
    words = frozenset({"a", "be", "cm"})
    for readable in (None, words):
        once = normalise(text, readable).text
        assert normalise(once, readable).text == once
