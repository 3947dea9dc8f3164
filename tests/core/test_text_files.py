from pathlib import Path

import pytest

from ray_pipeline.core.errors import InvalidInput
from ray_pipeline.core.text_files import decode, read_text

TEXTS = {
    "zh": "今天的天气很好，我们出去走走。",
    "yue": "今日天氣好好，我哋出去行下。",
    "ja": "今日はいい天気ですね。散歩に行きましょう。",
    "ko": "오늘은 날씨가 좋네요. 산책하러 갈까요?",
    "en": "It’s déjà vu – “really”, she said.",
}
ENCODED = [
    ("zh", "gb18030", "GB18030"),
    ("yue", "big5hkscs", "Big5"),
    ("ja", "cp932", "Shift-JIS"),
    ("ja", "euc_jp", "EUC-JP"),
    ("ja", "iso2022_jp", "ISO-2022-JP"),
    ("ko", "cp949", "cp949"),
    ("en", "cp1252", "cp1252"),
]


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("text", TEXTS.values())
def test_unicode_is_read_and_needs_no_remark(codec: str, text: str) -> None:
    decoded = decode(f"{text}\r\nEnd.\r".encode(codec), "a.txt", ["en"])
    assert decoded.text == f"{text}\nEnd.\n"
    assert decoded.remark is None


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("text", TEXTS.values())
def test_utf16_without_its_mark_is_known_by_its_line_breaks(codec: str, text: str) -> None:
    decoded = decode(f"{text}\r\n".encode(codec), "a.txt")
    assert (decoded.text, decoded.encoding) == (f"{text}\n", "UTF-16")


@pytest.mark.parametrize(("language", "codec", "name"), ENCODED)
@pytest.mark.parametrize("told", [True, False])
def test_what_makes_sense_in_one_encoding_alone_is_read_with_a_remark(
    language: str, codec: str, name: str, told: bool
) -> None:
    decoded = decode(TEXTS[language].encode(codec), "a.txt", [language] if told else [])
    assert decoded.text == TEXTS[language]
    assert decoded.remark is not None
    assert f"a.txt is not UTF-8 and was read as {name}" in decoded.remark


@pytest.mark.parametrize(("language", "codec", "name"), ENCODED)
@pytest.mark.parametrize("other", TEXTS)
def test_a_text_of_another_language_is_refused_by_name(
    language: str, codec: str, name: str, other: str
) -> None:
    if {language, other} in ({"zh", "yue"}, {language}):
        return
    with pytest.raises(InvalidInput, match=r"a\.txt is not UTF-8.*it may be " + name) as refused:
        decode(TEXTS[language].encode(codec), "a.txt", [other])
    assert "UTF-8" in refused.value.hint


@pytest.mark.parametrize(
    ("text", "codec"),
    [
        ("钢琴", "gb18030"),
        ("네", "cp949"),
        ("。", "gb18030"),
        ("It’s déjà vu.", "mac_roman"),
        ("Привет, как дела?", "cp1251"),
        ("ไปไหนมา", "cp874"),
    ],
)
def test_what_cannot_be_told_for_sure_is_refused(text: str, codec: str) -> None:
    for languages in ([], ["zh"], ["ko"], ["en"], ["ja"]):
        with pytest.raises(InvalidInput, match="cannot be told for sure"):
            decode(text.encode(codec), "a.txt", languages)


@pytest.mark.parametrize("data", [bytes(range(256)), b"a\x00b", b"\xff\xfea\x00\x00\x00", b"\x00"])
def test_a_binary_file_is_no_text(data: bytes) -> None:
    with pytest.raises(InvalidInput, match=r"a\.txt is not a text file"):
        decode(data, "a.txt")


def test_a_file_of_a_recordings_size_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "a.txt").open("wb") as file:
        file.truncate(64_000_001)
    with pytest.raises(InvalidInput, match="over 64 MB"):
        read_text(tmp_path / "a.txt")
