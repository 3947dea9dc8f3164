import pytest

from tools.mini.letters import (
    Letter,
    NoLetters,
    english_letters,
    japanese_letters,
    mandarin_letters,
    seconds_of_phones,
)


def spelled(letters: list[Letter]) -> str:
    return "".join(letter.text for letter in letters)


def test_english_has_stress_on_vowels_and_spaces_between_words() -> None:
    words = [("The", ["DH", "AH0"]), ("paper", ["P", "EY1", "P", "ER0"]), (".", ["."])]

    assert spelled(english_letters(words)) == "ðə pˈApəɹ."


def test_small_words_lose_the_stress_of_the_dictionary() -> None:
    words = [("with", ["W", "IH1", "DH"]), ("him", ["HH", "IH1", "M"])]

    assert spelled(english_letters(words)) == "wɪð hɪm"


def test_a_space_belongs_to_the_mark_before_it_or_else_to_the_phone_behind() -> None:
    letters = english_letters([("oh", ["OW1"]), (",", [","]), ("oh", ["OW1"]), ("oh", ["OW1"])])

    assert [owner for text, owner in letters if text == " "] == [1, 3]


def test_the_american_flap_is_written() -> None:
    assert spelled(english_letters([("water", ["W", "AO1", "T", "ER0"])])) == "wˈɔTəɹ"


def test_mandarin_tones_stand_behind_the_vowel() -> None:
    assert spelled(mandarin_letters(["n", "i2", "h", "ao3", "."])) == "ni↗xau↓. "
    assert spelled(mandarin_letters(["sh", "ang4"])) == "ʂa↘ŋ"


def test_a_glide_belongs_to_the_symbol_that_begins_the_syllable() -> None:
    letters = mandarin_letters(["y", "van2"])

    assert letters == [Letter("ɥ", 0), Letter("ɛ", 1), Letter("↗", 1), Letter("n", 1)]


def test_japanese_accents_have_no_letters() -> None:
    phones = ["k", "o", "[", "N", "n", "i", "ch", "i", "w", "a"]

    letters = japanese_letters(phones)

    assert spelled(letters) == "konɲiʨiβa"
    assert 2 not in {letter.owner for letter in letters}


@pytest.mark.parametrize("phones", [["n"], ["q", "xx1"], ["sp", "a1"]])
def test_what_is_no_syllable_is_refused(phones: list[str]) -> None:
    with pytest.raises(NoLetters):
        mandarin_letters(phones)


def test_durations_come_back_a_phone() -> None:
    letters = [Letter("w", 0), Letter("ˈ", 1), Letter("ɔ", 1), Letter(".", 2)]

    assert seconds_of_phones(letters, [0.1, 0.05, 0.1, 0.3], 3) == pytest.approx([0.1, 0.15, 0.3])


def test_a_phone_without_letters_takes_a_little_of_the_next() -> None:
    seconds = seconds_of_phones([Letter("a", 1), Letter("n", 1)], [0.1, 0.1], 2)

    assert seconds == pytest.approx([0.025, 0.175])
