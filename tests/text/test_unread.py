import pytest

from ray_pipeline.text import phonemize_language
from ray_pipeline.text.unread import quote_some, unread_words


@pytest.mark.parametrize(
    ("text", "language", "words"),
    [
        (
            "The Straße is naïve, привет Ω 你好 okay 😀.",
            "en",
            ["Straße", "привет", "Ω", "你好", "😀"],
        ),
        ("我去Straße买东西，привет呢。", "zh", ["Straße", "привет"]),
        ("これはпривет です😀。", "ja", ["привет", "😀"]),
        ("안녕 привет 하세요", "ko", ["привет"]),
        ("Hello there.", "en", []),
    ],
)
def test_the_words_are_named_not_their_letters(text: str, language: str, words: list[str]) -> None:
    assert unread_words(text, phonemize_language(text, language).unknown) == words


def test_a_phone_that_stands_in_no_word_is_named_itself() -> None:
    assert unread_words("안녕", ["AA", "ㅏ", "AA"]) == ["AA", "ㅏ"]


def test_quote_some_are_named_and_the_rest_counted() -> None:
    assert quote_some(["a", "b"]) == "'a', 'b'"
    assert quote_some(["a", "b", "c"], most=2) == "'a', 'b' and 1 more"
