from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ray_pipeline.core.errors import InvalidInput, PipelineError
from ray_pipeline.text import phonemize_language
from ray_pipeline.text.chinese.normalise import normalise
from ray_pipeline.text.symbols import symbol_table


def read(text: str, **options: bool) -> str:
    return phonemize_language(text, "zh", **options).norm_text


def say(text: str, **options: bool) -> str:
    return " ".join(phonemize_language(text, "zh", **options).phones)


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("共10套，110套，1010套，100000套", "共十套,一百一十套,一千零一十套,十万套"),
        ("2019年7月1日", "二零一九年七月一日"),
        ("1999-12-31", "一九九九年十二月三十一日"),
        ("9:05:10开始", "九点零五分十秒开始"),
        ("零下-8℃到25摄氏度", "零下零下八度到二十五摄氏度"),
        ("重4.20kg", "重四点二零千克"),
        ("占7.5%，-3%", "占百分之七点五,负百分之三"),
        ("5/8", "八分之五"),
        ("1+1=2", "一加一等于二"),
        ("7~9天", "七到九天"),
        ("2把和12把", "两把和十二把"),
        ("电话13912345678", "电话幺三九幺二三四五六七八"),
        ("007号", "零零七号"),
        ("ＡＢ１２个", "十二个"),
        ("③和λ", "三和拉姆达"),
        ("臺灣這邊", "台湾这边"),
        ("好……吗？！", "好…吗?"),
    ],
)
def test_numbers_and_signs_are_spelled_out(written: str, spoken: str) -> None:
    assert read(written) == spoken


@pytest.mark.parametrize(
    ("written", "original", "right"),
    [
        ("￥60", ",六十", "六十元"),
        ("卖4800了", "卖四八零零了", "卖四千八百了"),
        ("6-8人", "六减八人", "六到八人"),
        ("90km/h", "九十千米每", "九十千米每小时"),
        ("20000块", "二万块", "两万块"),
        ("2:10", "二点十分", "两点十分"),
        ("7:30-9:00", "七点半至九点", "七点半至九点"),
        ("8:30~9:15", "八点半至九点半", "八点半至九点十五分"),
        ("比分2:1", "比分二一", "比分二比一"),
        ("上\n下", "上下", "上.下"),
        ("是——不", "是不", "是,不"),
        ("±3", "三", "正负三"),
        ("5mm", "五米米", "五毫米"),
    ],
)
def test_what_the_original_reads_wrongly_is_right_without_strict_compat(
    written: str, original: str, right: str
) -> None:
    assert read(written) == original
    assert read(written, strict_compat=False) == right


@pytest.mark.parametrize(
    ("text", "phones"),
    [
        ("不去", "b u2 q v4"),
        ("一起", "y i4 q i3"),
        ("一定", "y i2 d ing4"),
        ("听一听", "t ing1 y i5 t ing1"),
        ("美好", "m ei2 h ao3"),
        ("洗脸水", "x i2 l ian2 sh ui3"),
        ("老板", "l ao2 b an3"),
        ("弟弟", "d i4 d i5"),
        ("桌上", "zh uo1 sh ang5"),
        ("朋友", "p eng2 y ou5"),
        ("走吧", "z ou3 b a5"),
        ("量子", "l iang4 z i03"),
    ],
)
def test_tones_change_as_in_speech(text: str, phones: str) -> None:
    assert say(text) == phones


def test_er_takes_the_tone_before_it_but_a_child_keeps_its_own() -> None:
    assert say("事儿").endswith("EE er4")
    assert say("女儿").endswith("EE er2")


def test_a_character_with_two_readings_is_read_by_its_word() -> None:
    assert say("银行") == "y in2 h ang2"
    assert say("行走") == "x ing2 z ou3"


def test_phones_are_counted_by_characters() -> None:
    spoken = phonemize_language("你好，世界！", "zh")
    assert spoken.word2ph == [2, 2, 1, 2, 2, 1]


def test_a_sign_of_yuan_makes_every_comma_long_in_strict_mode() -> None:
    assert say("好，￥5") == "h ao3 SP2 w u3"
    assert say("好，￥5", strict_compat=False) == "h ao3 , w u3 y van2"


def test_a_character_whose_reading_no_symbol_can_say_is_reported() -> None:
    spoken = phonemize_language("一兙水", "zh")
    assert spoken.unknown == ["兙"]
    assert "UNK" in spoken.phones


def test_a_user_word_is_found_inside_a_longer_word() -> None:
    own = {"长城": ["zh", "ang3", "ch", "eng2"]}
    spoken = phonemize_language("万里长城长", "zh", dictionary=own)
    assert " ".join(spoken.phones) == "w an4 l i3 zh ang3 ch eng2 zh ang3"
    assert spoken.word2ph == [2, 2, 2, 2, 2]


@pytest.mark.parametrize("text", ["", "  ", "😀", "only Latin"])
def test_a_text_without_anything_chinese_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="nothing that can be read"):
        phonemize_language(text, "zh")


_HANZI = st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF)


@given(st.text(st.one_of(st.characters(), _HANZI), max_size=30), st.booleans())
@settings(max_examples=200, deadline=None)
def test_any_text_is_read_or_refused_by_name(text: str, strict: bool) -> None:
    try:
        spoken = phonemize_language(text, "zh", strict_compat=strict)
    except PipelineError:
        return
    table = symbol_table("v2")
    assert [table[phone] for phone in spoken.phones] == spoken.ids
    assert spoken.word2ph is not None
    assert sum(spoken.word2ph) == len(spoken.phones)
    assert len(spoken.word2ph) == len(spoken.norm_text)


@given(
    st.text(
        st.sampled_from("一二百零不儿年月个好0123459.,-+=:/%￥℃km²~～—…！？，。\n α①嗯"),
        max_size=30,
    )
)
@settings(max_examples=400, deadline=None)
def test_normalising_twice_changes_nothing(text: str) -> None:
    for strict in (True, False):
        once = normalise(text, strict_compat=strict).text
        assert normalise(once, strict_compat=strict).text == once
