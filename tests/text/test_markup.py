import pytest

from ray_pipeline.core.errors import InvalidInput
from ray_pipeline.text.markup import Break, Span, is_marked_up, parse_markup


def test_plain_text_is_one_span() -> None:
    assert parse_markup("Hello there.") == [Span("Hello there.")]


def test_only_a_text_that_begins_with_speak_is_taken_for_markup_by_itself() -> None:
    assert is_marked_up(" <speak>hi</speak>")
    assert not is_marked_up("I <3 you")
    assert not is_marked_up("<speaker>")


@pytest.mark.parametrize(
    ("element", "seconds"),
    [
        ('<break time="700ms"/>', 0.7),
        ('<break time="1.5s"/>', 1.5),
        ('<break strength="strong"/>', 0.8),
        ("<break/>", 0.4),
    ],
)
def test_a_break_is_a_pause_between_what_is_said(element: str, seconds: float) -> None:
    assert parse_markup(f"Wait. {element} Go.") == [Span("Wait. "), Break(seconds), Span(" Go.")]


def test_what_is_inside_lang_is_said_in_that_language() -> None:
    spans = parse_markup('<speak>Hello <lang xml:lang="zh-CN">你好</lang>!</speak>')
    assert spans == [Span("Hello "), Span("你好", language="zh"), Span("!")]


def test_phoneme_gives_the_word_phones_and_does_not_cut_the_sentence() -> None:
    (span,) = parse_markup('A <phoneme ph="T AH0 M AA1 T OW0">tomato</phoneme>, please.')
    assert span == Span(
        "A tomato, please.", dictionary={"tomato": ["T", "AH0", "M", "AA1", "T", "OW0"]}
    )


def test_one_word_with_two_readings_is_two_spans() -> None:
    first, second = parse_markup(
        'I <phoneme ph="R EH1 D">read</phoneme> and <phoneme ph="R IY1 D">read</phoneme>.'
    )
    assert isinstance(first, Span)
    assert isinstance(second, Span)
    assert first.dictionary == {"read": ["R", "EH1", "D"]}
    assert second.dictionary == {"read": ["R", "IY1", "D"]}


def test_sub_is_said_instead() -> None:
    assert parse_markup('The <sub alias="World Wide Web">WWW</sub>.') == [
        Span("The World Wide Web.")
    ]


def test_a_voice_changes_for_an_element_or_from_a_mark_on() -> None:
    spans = parse_markup('I. <voice name="anna">You.</voice> [voice: ben] He. [voice: anna@2] She.')
    assert spans == [
        Span("I. "),
        Span("You.", voice="anna"),
        Span(" He. ", voice="ben"),
        Span(" She.", voice="anna@2"),
    ]


def test_prosody_multiplies_the_speed() -> None:
    spans = parse_markup('<prosody rate="80%">slow <prosody rate="slow">slower</prosody></prosody>')
    assert spans == [Span("slow ", speed=0.8), Span("slower", speed=pytest.approx(0.64))]


def test_paragraphs_end_sentences() -> None:
    assert parse_markup("<speak><p>One</p><p>Two!</p></speak>") == [Span("One. Two!")]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("<speak>open", "line 1"),
        ("a < b", "line 1"),
        ("<emphasis>x</emphasis>", "<emphasis>"),
        ('<break time="1h"/>', "'1h'"),
        ('<break time="60s"/>', "'60s'"),
        ('<break strength="huge"/>', "'huge'"),
        ("<lang>x</lang>", "xml:lang"),
        ("<phoneme>x</phoneme>", "ph"),
        ('<prosody rate="900%">x</prosody>', "900%"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><speak>&b;</speak>', "declaration"),
    ],
)
def test_what_cannot_be_followed_is_refused_with_the_place(text: str, says: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        parse_markup(text)
    assert says in refusal.value.message
    assert refusal.value.hint


def test_elements_around_nothing_say_nothing() -> None:
    assert parse_markup("<speak><p> </p></speak>") == []
