"""What a text to speak is read as, where GPT-SoVITS's own reading is plainly wrong."""

from __future__ import annotations

import pytest

from ray_pipeline.core.errors import InvalidInput
from ray_pipeline.text import phonemize


@pytest.mark.parametrize(
    ("text", "mode", "read"),
    [
        ("8点", "zh", ".八点"),
        ("3号", "zh", ".三号"),
        ("10", "zh", ".十"),
        ("8點", "yue", ".八點"),
        ("8", "auto", ".八"),
        ("10", "en", "ten"),
    ],
)
def test_a_short_number_is_no_decimal(text: str, mode: str, read: str) -> None:
    assert phonemize(text, mode).norm_text == read


@pytest.mark.parametrize(
    ("text", "mode", "read"),
    [
        ("今天有25℃。", "zh", "今天有二十五度."),
        ("温度是 -5 °C 左右", "zh", "温度是零下五度左右"),
        ("现在气温是-5度", "zh", "现在气温是零下五度"),
        ("他喝了1/3杯水", "zh", "他喝了三分之一杯水"),
        ("他跑了5km就停了", "zh", "他跑了五千米就停了"),
        ("时速是60km/h", "zh", "时速是六十千米每小时"),
        ("价格是$12,500。", "auto", "价格是一万二千五百美元."),
        ("今日係-5℃。", "yue", "今日係零下五度."),
        ("今日は-5℃です。", "ja", "今日はマイナス5度です。"),
        ("残りは1/3です。", "ja", "残りは3分の1です。"),
        ("오늘은 -5℃ 입니다.", "ko", "오늘은 마이너스 5도 입니다."),
        ("他说he paid $5 for it了", "zh", "他说he paid five dollars for it了"),
        ("It is -5℃ today.", "en", "It is negative five degrees celsius today."),
        ("Go to www.x.org now.", "en", "Go to www dot x dot org now."),
    ],
)
def test_a_quantity_is_read_in_the_language_around_it(text: str, mode: str, read: str) -> None:
    spoken = phonemize(text, mode)
    assert spoken.norm_text == read
    assert spoken.unknown == []


def test_kana_of_half_width_and_letters_of_full_width_are_read() -> None:
    assert phonemize("ｶﾞﾗｽとﾃﾚﾋﾞを", "ja").phones == phonemize("ガラスとテレビを", "ja").phones
    assert phonemize("我们用ＧＰＴ４", "zh").phones == phonemize("我们用GPT4", "zh").phones


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize(
    ("text", "mode", "lost"),
    [
        ("我们喜欢GPT🎙。", "zh", ["🎙"]),
        ("ｱｲｳ和日本的词", "zh", ["ア", "イ", "ウ"]),
        ("明天Привет见了面", "zh", list("Привет")),
    ],
)
def test_what_cannot_be_read_is_reported(
    text: str, mode: str, lost: list[str], strict: bool
) -> None:
    assert sorted(phonemize(text, mode, strict_compat=strict).unknown) == sorted(
        list("ｱｲｳ") if strict and "ア" in lost else lost
    )


@pytest.mark.parametrize(
    ("text", "mode"),
    [
        ("Привет мир", "en"),
        ("你好，世界。", "en"),
        ("Привет", "ja"),
        ("Привет", "ko"),
        ("…！", "zh"),
    ],
)
def test_a_text_of_which_nothing_can_be_said_is_refused(text: str, mode: str) -> None:
    with pytest.raises(InvalidInput, match="nothing that can be read"):
        phonemize(text, mode)


def test_the_original_says_marks_alone() -> None:
    assert phonemize("…！", "zh", strict_compat=True).is_silent


@pytest.mark.parametrize("blank", ["\t", "\u00a0", "\u2009", "\u3000", "\u202f"])
def test_every_blank_is_a_space(blank: str) -> None:
    for text, mode in (("page 5 of 10", "en"), ("안녕 하세요 여러분", "ko"), ("今日 は雨だ", "ja")):
        assert phonemize(text.replace(" ", blank), mode).phones == phonemize(text, mode).phones


def test_base_v1_knows_no_erhua() -> None:
    assert "er2 h ua4" not in " ".join(phonemize("这朵花儿真好看", "zh", symbols="v1").phones)
    assert phonemize("他在胡同儿里玩", "zh").phones != (
        phonemize("他在胡同儿里玩", "zh", symbols="v1").phones
    )
