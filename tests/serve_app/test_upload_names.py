import pytest

from serve_app.upload_names import decoded_name, file_name_of


@pytest.mark.parametrize(
    ("name", "encoding", "language"),
    [
        ("录音.wav", "utf-8", "zh"),
        ("录音.wav", "gbk", "auto"),
        ("我的声音 一.wav", "gbk", "zh"),
        ("café.wav", "latin-1", "auto"),
        ("Müller übt größer.wav", "cp1252", "en"),
        ("déçu.wav", "cp1252", "auto"),
        ("録音テスト.wav", "cp932", "ja"),
        ("음성 녹음.wav", "cp949", "ko"),
        ("聲音檔.wav", "big5", "yue"),
    ],
)
def test_a_name_in_the_encoding_of_the_senders_computer_is_kept(
    name: str, encoding: str, language: str
) -> None:
    disposition = b'form-data; name="file"; filename="' + name.encode(encoding) + b'"'
    assert file_name_of(disposition, language) == name


def test_what_fits_no_encoding_is_still_a_name() -> None:
    assert decoded_name(b"\xff\xfe\x81.wav").endswith(".wav")
