import os
from pathlib import Path

import pytest

from ray_pipeline.transcripts.uploaded import recordings_in, uploaded_transcripts


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
    uploaded = uploaded_transcripts(tmp_path, "en")
    text = uploaded.of("talk (2).wav")
    assert text is not None
    assert (text.text, text.language, text.origin) == ("One line, and another.", "en", name)
    assert uploaded.warnings == []


def test_a_list_names_recordings_and_clips_by_their_last_part(tmp_path: Path) -> None:
    clip = "talk.wav_0000000000_0000160640.wav"
    rows = f"C:\\voices\\talk.wav|anna|EN|Hello.\n/old/sliced/{clip}|anna|JA|はい。\n"
    (tmp_path / "voice.list").write_text(rows, "utf-8")
    uploaded = uploaded_transcripts(tmp_path, "zh")
    assert {name: text.text for name, text in uploaded.by_name.items()} == {
        "talk.wav": "Hello.",
        clip: "はい。",
    }
    assert uploaded.by_name[clip].speaker == "anna"


def test_a_text_file_wins_over_a_row(tmp_path: Path) -> None:
    (tmp_path / "a.wav").touch()
    (tmp_path / "a.txt").write_text("From the text file.")
    (tmp_path / "all.list").write_text("a.wav|s|EN|From the list.\n")
    text = uploaded_transcripts(tmp_path, "en").of("a.wav")
    assert text is not None
    assert text.text == "From the text file."


def test_a_list_that_was_corrected_and_uploaded_again_wins(tmp_path: Path) -> None:
    for age, (name, word) in enumerate([("me (2).list", "later"), ("me.list", "earlier")]):
        (tmp_path / name).write_text(f"a.wav|s|EN|{word}\n")
        os.utime(tmp_path / name, (1000 - age, 1000 - age))
    text = uploaded_transcripts(tmp_path, "en").of("a.wav")
    assert text is not None
    assert (text.text, text.origin) == ("later", "me (2).list")


def test_a_row_finds_an_upload_that_was_renamed_to_be_harmless(tmp_path: Path) -> None:
    (tmp_path / "all.list").write_text("what?.wav|s|EN|Hello.\n")
    assert uploaded_transcripts(tmp_path, "en").of("what_.wav") is not None


def test_the_language_of_a_text_file_is_guessed_when_the_task_detects_it(tmp_path: Path) -> None:
    (tmp_path / "a.wav").touch()
    (tmp_path / "a.txt").write_text("こんにちは", "utf-8")
    text = uploaded_transcripts(tmp_path, "auto").of("a.wav")
    assert text is not None
    assert text.language == "ja"


def test_unusable_transcripts_are_reported_not_taken(tmp_path: Path) -> None:
    for name in ("empty", "bars", "binary"):
        (tmp_path / f"{name}.wav").touch()
    put(tmp_path, **{"empty.txt": " \n", "bars.txt": "a|b", "rows.list": "x|y|AUTO|z\n"})
    (tmp_path / "binary.txt").write_bytes(bytes(range(256)))
    uploaded = uploaded_transcripts(tmp_path, "en")
    assert uploaded.by_name == {}
    assert len(uploaded.warnings) == 4
    assert all("was not used" in warning for warning in uploaded.warnings)
    assert any("rows.list, line 1" in problem for problem in uploaded.warnings)


def test_a_text_file_of_a_recordings_size_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "talk.wav").touch()
    for name in ("talk.txt", "all.list"):
        (tmp_path / name).touch()
        os.truncate(tmp_path / name, 64_000_001)
    uploaded = uploaded_transcripts(tmp_path, "en")
    assert uploaded.by_name == {}
    assert ["over 64 MB" in problem for problem in uploaded.warnings] == [True, True]


def later(folder: Path, name: str, content: str, seconds: int) -> None:
    """A file that was uploaded so many seconds after the year 1970."""
    (folder / name).write_text(content, "utf-8")
    os.utime(folder / name, (seconds, seconds))


@pytest.mark.parametrize(
    ("recording", "transcript"),
    [
        ("A.WAV", "A.TXT"),
        ("a.wav", "a.Txt"),
        ("a.wav", "A.WAV.TXT"),
        ("a.wav", "a.txt.txt"),
        ("a b.wav", "a b.txt"),
        ("talk (2).wav", "talk (2).txt"),
    ],
)
def test_suffixes_in_any_case_and_hidden_ones_name_the_recording(
    recording: str, transcript: str, tmp_path: Path
) -> None:
    put(tmp_path, **{recording: "RIFF", transcript: "Hello."})
    uploaded = uploaded_transcripts(tmp_path, "en")
    assert uploaded.of(recording) is not None
    assert uploaded.warnings == []


@pytest.mark.parametrize("corrected", ["a (2).txt", "a.wav (2).txt", "a (2).wav.txt", "a.wav.txt"])
def test_a_text_that_was_corrected_and_uploaded_again_wins(corrected: str, tmp_path: Path) -> None:
    put(tmp_path, **{"a.wav": "RIFF"})
    later(tmp_path, "a.txt", "wrong", 100)
    later(tmp_path, corrected, "right", 200)
    uploaded = uploaded_transcripts(tmp_path, "en")
    text = uploaded.of("a.wav")
    assert text is not None
    assert (text.text, text.origin) == ("right", corrected)
    assert uploaded.warnings == [f"a.txt was not used: {corrected} came later."]


@pytest.mark.parametrize("name", ["me.list.txt", "me.LIST", "me.list (2).txt", "me (2).list.txt"])
def test_a_list_is_known_by_any_name_that_systems_give_it(name: str, tmp_path: Path) -> None:
    put(tmp_path, **{"a.wav": "RIFF", name: "A.WAV|me|EN|hello\n"})
    uploaded = uploaded_transcripts(tmp_path, "en")
    assert uploaded.by_name["a.wav"].text == "hello"
    assert uploaded.warnings == []


def test_a_text_of_no_recording_is_told(tmp_path: Path) -> None:
    put(tmp_path, **{"a.wav": "RIFF", "b.txt": "hello"})
    [warning] = uploaded_transcripts(tmp_path, "en").warnings
    assert warning.startswith("b.txt was not used: there is no recording b.")


def test_a_text_that_two_recordings_could_have_is_given_to_neither(tmp_path: Path) -> None:
    put(tmp_path, **{"a.wav": "RIFF1", "a.mp3": "RIFF2", "a.txt": "hello"})
    uploaded = uploaded_transcripts(tmp_path, "en")
    assert uploaded.by_name == {}
    assert "may belong to a.mp3 or a.wav. Name it a.mp3.txt" in uploaded.warnings[0]


@pytest.mark.parametrize("words", ["1.txt", "all.list"])
def test_recordings_of_one_name_from_two_folders_do_not_share_a_text(
    words: str, tmp_path: Path
) -> None:
    content = "hello" if words == "1.txt" else "b/1.wav|me|EN|hello\n"
    put(tmp_path, **{"1.wav": "RIFF1", "1 (2).wav": "RIFF2", words: content})
    uploaded = uploaded_transcripts(tmp_path, "en")
    assert uploaded.by_name == {}
    [warning] = uploaded.warnings
    assert f"The text of 1.wav in {words} was not used" in warning
    assert "kept as 1 (2).wav" in warning
    # With a text for each of them, or where both are the same sound, nothing is open.
    put(tmp_path, **{"1 (2).txt": "there"})
    assert len(uploaded_transcripts(tmp_path, "en").by_name) == 2
    (tmp_path / "1 (2).txt").unlink()
    put(tmp_path, **{"1 (2).wav": "RIFF1"})
    assert uploaded_transcripts(tmp_path, "en").of("1.wav") is not None


def test_lists_of_two_folders_with_files_of_one_name_are_told_apart_or_not_used(
    tmp_path: Path,
) -> None:
    later(tmp_path, "anna.list", "anna/1.wav|a|EN|One.\nanna/2.wav|a|EN|Two.\n", 100)
    later(tmp_path, "bob.list", "bob/1.wav|b|EN|Three.\n", 200)
    uploaded = uploaded_transcripts(tmp_path, "en")
    assert list(uploaded.by_name) == ["2.wav"]
    [warning] = uploaded.warnings
    assert warning.startswith("anna.list and bob.list name files called 1.wav in different")


def test_a_corrected_list_from_another_computer_and_one_of_clips_win(tmp_path: Path) -> None:
    clip = "talk.wav_0000000000_0000160640.wav"
    later(tmp_path, "me.list", f"C:\\x\\1.wav|a|EN|One.\n/t/sliced/{clip}|a|EN|Old.\n", 100)
    later(tmp_path, "me (2).list", "/home/1.wav|a|EN|Won.\n", 200)
    later(tmp_path, "clips.list", f"/t/denoised/{clip}|a|EN|New.\n", 300)
    uploaded = uploaded_transcripts(tmp_path, "en")
    assert {name: x.text for name, x in uploaded.by_name.items()} == {"1.wav": "Won.", clip: "New."}
    assert uploaded.warnings == []


def test_rows_that_contradict_each_other_are_told_and_not_used(tmp_path: Path) -> None:
    put(tmp_path, **{"1.wav": "RIFF", "all.list": "1.wav|a|EN|One.\n1.wav|a|EN|Won.\n"})
    uploaded = uploaded_transcripts(tmp_path, "en")
    assert uploaded.by_name == {}
    assert [warning.split(":")[0] for warning in uploaded.warnings] == [
        "all.list, line 1, was not used",
        "all.list, line 2, was not used",
    ]


def test_a_text_in_another_encoding_is_read_and_told(tmp_path: Path) -> None:
    put(tmp_path, **{"a.wav": "RIFF", "b.wav": "RIFF"})
    (tmp_path / "a.txt").write_bytes("今日はいい天気ですね。".encode("cp932"))
    (tmp_path / "b.txt").write_bytes("今天的天气很好。".encode("gb18030"))
    uploaded = uploaded_transcripts(tmp_path, "ja")
    assert {name: text.text for name, text in uploaded.by_name.items()} == {
        "a.wav": "今日はいい天気ですね。"
    }
    refused, guessed = sorted(uploaded.warnings, reverse=True)
    assert refused.startswith("b.txt was not used: b.txt is not UTF-8")
    assert guessed.startswith("a.txt is not UTF-8 and was read as Shift-JIS")


@pytest.mark.parametrize("blank", ["\u2028", "\u00a0", "\t", "\u3000", "\u2009"])
def test_a_blank_of_any_kind_is_a_space_in_texts_and_names(blank: str, tmp_path: Path) -> None:
    put(tmp_path, **{"a b.wav": "RIFF", "a b.txt": f"page{blank}5 of{blank}10"})
    put(tmp_path, **{"c d.wav": "RIFF", "all.list": f"c{blank}d.wav|me|EN|yes\n"})
    uploaded = uploaded_transcripts(tmp_path, "en")
    assert uploaded.by_name["a b.wav"].text == "page 5 of 10"
    assert uploaded.by_name["c d.wav"].text == "yes"
