from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ray_pipeline.core.errors import InvalidInput, PipelineError
from ray_pipeline.core.languages import MODE_NAMES
from ray_pipeline.text import phonemize
from ray_pipeline.text.mixed import MODES, split_by_language
from tests.conformance.text_cases import main as conform

GOLDEN = Path(__file__).parents[1] / "conformance" / "text"


def segments(text: str, mode: str) -> list[tuple[str, str]]:
    return [(segment.language, segment.text) for segment in split_by_language(text, mode)]


def always(code: str):  # type: ignore[no-untyped-def]
    def detector(text: str) -> Sequence[str]:
        return [code]

    return detector


def test_segments_agree_with_the_reference() -> None:
    assert conform("mixed", [GOLDEN / "mixed.jsonl"]) == 0


def test_letters_are_english_in_every_mode_but_the_plain_one() -> None:
    assert segments("他说hello了", "all_zh") == [("zh", "他说"), ("en", "hello"), ("zh", "了")]
    assert segments("他说hello了", "ja") == [("ja", "他说"), ("en", "hello"), ("ja", "了")]
    assert segments("他说hello了", "en") == [("en", "他说hello了")]


def test_scripts_decide_without_a_detector() -> None:
    text = "カタカナ。한글!ok"
    found = split_by_language(text, "auto", detector=always("zh"))
    assert [segment.language for segment in found] == ["ja", "ko", "en"]


def test_chinese_is_read_as_cantonese_in_the_modes_for_it() -> None:
    assert segments("你好", "all_yue") == [("yue", "你好")]
    assert split_by_language("你好", "auto_yue", detector=always("zh"))[0].language == "yue"


def test_digits_go_with_the_longer_neighbour() -> None:
    found = split_by_language("版本是第3hi", "auto", detector=always("zh"))
    assert [segment.text for segment in found] == ["版本是第3", "hi"]
    assert segments("42", "auto") == [("zh", "42")]


def test_nothing_of_a_text_is_lost_by_cutting() -> None:
    text = "我用Mac写こんにちは,한국 3.5号!"
    assert "".join(part for _, part in segments(text, "auto")) == text


@pytest.mark.parametrize(("name", "code"), MODE_NAMES.items())
def test_modes_go_by_their_chinese_names_too(name: str, code: str) -> None:
    assert segments("ok好", name) == segments("ok好", code)


def test_an_unknown_mode_is_refused_with_those_there_are() -> None:
    with pytest.raises(InvalidInput, match="auto_yue"):
        split_by_language("hello", "klingon")


def test_phones_of_the_segments_are_joined() -> None:
    spoken = phonemize("今天下雨 and tomorrow too", "zh")
    assert [part.language for part in spoken.parts] == ["zh", "en"]
    assert spoken.phones == spoken.parts[0].phones + spoken.parts[1].phones
    assert spoken.word2ph is None
    assert phonemize("今天下雨了吗", "zh").word2ph == [2] * 6


def test_a_short_text_is_read_again_with_a_full_stop_before_it() -> None:
    spoken = phonemize("好", "all_zh", strict_compat=True)
    assert spoken.text == ".好"
    assert spoken.phones == [".", "h", "ao3"]
    right = phonemize("好", "all_zh")
    assert (right.text, right.norm_text, right.word2ph) == ("好", ".好", [1, 2])
    assert right.ids == spoken.ids


def test_phonemize_finds_the_languages_by_itself_where_asked() -> None:
    spoken = phonemize("明天见 see you tomorrow", "auto")
    assert {part.language for part in spoken.parts} == {"zh", "en"}


def test_hanzi_without_kana_are_never_japanese_without_strict_compat() -> None:
    def japanese(text: str) -> Sequence[str]:
        return ["ja"]

    strict = phonemize("明天出发去车站", "auto", detector=japanese, strict_compat=True)
    right = phonemize("明天出发去车站", "auto", detector=japanese)
    assert [part.language for part in strict.parts] == ["ja"]
    assert [part.language for part in right.parts] == ["zh"]


def test_a_user_word_counts_in_its_segment() -> None:
    own = {"ray": ["R", "AA1"]}
    spoken = phonemize("我们用ray写程序", "zh", dictionary=own)
    assert spoken.parts[1].phones[-2:] == ["R", "AA1"]


@given(
    st.text(
        st.one_of(st.sampled_from("我爱abc あア한글,。!？ 123　.\n「😀"), st.characters()),
        max_size=20,
    ),
    st.sampled_from(sorted(MODES)),
)
@settings(max_examples=150, deadline=None)
def test_any_text_is_read_or_refused_by_name(text: str, mode: str) -> None:
    for strict in (True, False):
        try:
            spoken = phonemize(text, mode, strict_compat=strict)
        except PipelineError:
            continue
        assert len(spoken.ids) == len(spoken.phones) > 0
