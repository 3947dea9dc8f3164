import pytest

from ray_pipeline.asr.funasr import _sense_voice_result
from ray_pipeline.asr.recognition import Recognised


@pytest.mark.parametrize(
    ("tagged", "language", "expected"),
    [
        ("<|zh|><|NEUTRAL|><|Speech|><|withitn|>你好。", None, Recognised("你好。", "zh", None)),
        ("<|en|><|HAPPY|>Hi. <|en|><|SAD|>Bye.", "en", Recognised("Hi. Bye.", "en", None)),
        ("Plain.", None, Recognised("Plain.", "auto", None)),
    ],
)
def test_sense_voices_tags_become_the_language(
    tagged: str, language: str | None, expected: Recognised
) -> None:
    assert _sense_voice_result(tagged, language) == expected
