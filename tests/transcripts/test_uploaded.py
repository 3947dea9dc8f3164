import os
from pathlib import Path

import pytest

from ray_pipeline.transcripts.uploaded import given_transcripts, recordings_in


def put(folder: Path, **files: str) -> None:
    for name, content in files.items():
        (folder / name).write_text(content, "utf-8")


def test_recordings_are_what_is_no_transcript(tmp_path: Path) -> None:
    names = ["b.WAV", "a.mp3", "a.txt", "all.LIST", "names.Dict", ".partial-1.wav", "notes"]
    for name in names:
        (tmp_path / name).touch()
    assert [path.name for path in recordings_in(tmp_path)] == ["a.mp3", "b.WAV", "notes"]


@pytest.mark.parametrize("name", ["talk (2).txt", "talk (2).wav.txt"])
def test_a_text_file_beside_a_recording_is_its_transcript(name: str, tmp_path: Path) -> None:
    (tmp_path / "talk (2).wav").touch()
    (tmp_path / name).write_text("\ufeffOne line,\r\nand another.\r\n", "utf-8")
    given = given_transcripts(tmp_path, "en")
    text = given.of("talk (2).wav")
    assert text is not None
    assert (text.text, text.language, text.origin) == ("One line, and another.", "en", name)
    assert given.problems == []


def test_a_list_names_recordings_and_clips_by_their_last_part(tmp_path: Path) -> None:
    clip = "talk.wav_0000000000_0000160640.wav"
    rows = f"C:\\voices\\talk.wav|anna|EN|Hello.\n/old/sliced/{clip}|anna|JA|はい。\n"
    (tmp_path / "voice.list").write_text(rows, "utf-8")
    given = given_transcripts(tmp_path, "zh")
    assert {name: text.text for name, text in given.by_name.items()} == {
        "talk.wav": "Hello.",
        clip: "はい。",
    }
    assert given.by_name[clip].speaker == "anna"


def test_a_text_file_wins_over_a_row(tmp_path: Path) -> None:
    (tmp_path / "a.wav").touch()
    (tmp_path / "a.txt").write_text("From the text file.")
    (tmp_path / "all.list").write_text("a.wav|s|EN|From the list.\n")
    text = given_transcripts(tmp_path, "en").of("a.wav")
    assert text is not None
    assert text.text == "From the text file."


def test_a_list_that_was_corrected_and_uploaded_again_wins(tmp_path: Path) -> None:
    for age, (name, word) in enumerate([("me (2).list", "later"), ("me.list", "earlier")]):
        (tmp_path / name).write_text(f"a.wav|s|EN|{word}\n")
        os.utime(tmp_path / name, (1000 - age, 1000 - age))
    text = given_transcripts(tmp_path, "en").of("a.wav")
    assert text is not None
    assert (text.text, text.origin) == ("later", "me (2).list")


def test_a_row_finds_an_upload_that_was_renamed_to_be_harmless(tmp_path: Path) -> None:
    (tmp_path / "all.list").write_text("what?.wav|s|EN|Hello.\n")
    assert given_transcripts(tmp_path, "en").of("what_.wav") is not None


def test_the_language_of_a_text_file_is_guessed_when_the_task_detects_it(tmp_path: Path) -> None:
    (tmp_path / "a.wav").touch()
    (tmp_path / "a.txt").write_text("こんにちは", "utf-8")
    text = given_transcripts(tmp_path, "auto").of("a.wav")
    assert text is not None
    assert text.language == "ja"


def test_unusable_transcripts_are_reported_not_taken(tmp_path: Path) -> None:
    for name in ("empty", "bars", "binary"):
        (tmp_path / f"{name}.wav").touch()
    put(tmp_path, **{"empty.txt": " \n", "bars.txt": "a|b", "rows.list": "x|y|AUTO|z\n"})
    (tmp_path / "binary.txt").write_bytes(bytes(range(256)))
    given = given_transcripts(tmp_path, "en")
    assert given.by_name == {}
    assert len(given.problems) == 4
    assert any("rows.list, line 1" in problem for problem in given.problems)


def test_a_text_file_of_a_recordings_size_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "talk.wav").touch()
    for name in ("talk.txt", "all.list"):
        (tmp_path / name).touch()
        os.truncate(tmp_path / name, 64_000_001)
    given = given_transcripts(tmp_path, "en")
    assert given.by_name == {}
    assert ["over 64 MB" in problem for problem in given.problems] == [True, True]
