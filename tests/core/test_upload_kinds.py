import pytest

from ray_pipeline.core.upload_kinds import UploadKind, upload_kind, without_copy_number


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.wav", "recording"),
        ("notes", "recording"),
        ("A.TXT", "transcript"),
        ("a.wav.txt", "transcript"),
        ("a (2).txt", "transcript"),
        ("me.LIST", "list"),
        ("me.list.txt", "list"),
        ("me.list (2).txt", "list"),
        ("me (2).list.txt", "list"),
        ("me.dict", "pronunciations"),
        ("me.Dict.TXT", "pronunciations"),
        ("shopping list.txt", "transcript"),
        (".txt", "recording"),
    ],
)
def test_the_name_tells_what_an_upload_is_for(name: str, kind: str) -> None:
    assert upload_kind(name) is UploadKind(kind)


@pytest.mark.parametrize(
    ("name", "original"),
    [
        ("talk (2).wav", "talk.wav"),
        ("talk (12).wav.txt", "talk.wav.txt"),
        ("talk.wav (2)", "talk.wav"),
        ("talk (two).wav", "talk (two).wav"),
        ("talk.wav", "talk.wav"),
    ],
)
def test_the_number_of_a_second_upload_is_taken_off(name: str, original: str) -> None:
    assert without_copy_number(name) == original
