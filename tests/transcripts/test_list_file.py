from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ray_pipeline.core.blanks import one_line
from ray_pipeline.core.errors import InvalidInput
from ray_pipeline.core.languages import LANGUAGES
from ray_pipeline.transcripts.list_file import (
    ListRow,
    parse_list,
    read_list,
    rows_by_name,
    write_list,
)

ROW = ListRow("/data/clips/a b.wav", "anna", "en", "Well, hello.")

# What a field can hold: no separator, and its blanks as they are written.
plain = st.text(
    st.characters(exclude_characters="|", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40
).filter(lambda text: text == one_line(text))
paths = plain.filter(lambda text: text == text.strip(" \t\"'\u202a").rstrip("/\\"))


@given(st.builds(ListRow, paths, plain, st.sampled_from(LANGUAGES), plain))
def test_what_is_written_is_read_back(row: ListRow) -> None:
    assert parse_list(row.line() + "\n") == ([row], [])


@given(st.text(max_size=300))
def test_any_text_is_read_without_failing(content: str) -> None:
    rows, problems = parse_list(content)
    filled = [line for line in content.split("\n") if one_line(line)]
    assert len(rows) + len(problems) == len(filled)


def test_a_file_goes_there_and_back(tmp_path: Path) -> None:
    rows = [ROW, ListRow("b.wav", "", "zh", "你好。")]
    write_list(tmp_path / "voice.list", rows)
    content = (tmp_path / "voice.list").read_text("utf-8")
    assert content == "/data/clips/a b.wav|anna|EN|Well, hello.\nb.wav||ZH|你好。\n"
    assert read_list(tmp_path / "voice.list") == (rows, [])


@pytest.mark.parametrize(
    "line",
    [
        '"/data/clips/a b.wav"|anna|EN|Well, hello.',
        "\ufeff/data/clips/a b.wav|anna|en|Well, hello.\r",
        " /data/clips/a b.wav | anna | English | Well, hello. ",
        "\u202a/data/clips/a b.wav|anna|英文|Well, hello.",
    ],
)
def test_what_editors_do_to_a_row_is_forgiven(line: str) -> None:
    assert parse_list(line) == ([ROW], [])


def test_windows_paths_name_the_same_file() -> None:
    rows, _ = parse_list(r"D:\voices\talk.wav|anna|EN|Hello.")
    assert rows[0].file_name == "talk.wav"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("a.wav|anna|EN|yes|no", "must not contain '|'"),
        ("a.wav|anna|EN", "2 of the three |"),
        ("a.wav|anna|AUTO|Hello.", "AUTO says nothing"),
        ("a.wav|anna|FR|Bonjour.", "'FR' is not known"),
        ("a.wav|anna|EN| ", "text is empty"),
        ("|anna|EN|Hello.", "names no audio file"),
        (f"a.wav|{'a' * 101}|EN|Hello.", "101 characters"),
    ],
)
def test_an_unusable_row_is_reported_with_its_line(line: str, reason: str) -> None:
    rows, problems = parse_list(f"{ROW.line()}\n\n{line}\n")
    assert rows == [ROW]
    assert [problem.line for problem in problems] == [3]
    assert reason in problems[0].reason


@pytest.mark.parametrize(
    ("row", "field"),
    [
        (ListRow("a.wav", "anna", "en", "either|or"), "text"),
        (ListRow("a.wav", "anna", "en", "two\nlines"), "text"),
        (ListRow("a|b.wav", "anna", "en", "Hello."), "path"),
        (ListRow("a.wav", "anna", "auto", "Hello."), "language"),
    ],
)
def test_what_would_break_a_line_is_not_written(row: ListRow, field: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as refused:
        write_list(tmp_path / "voice.list", [row])
    assert refused.value.extra["field"] == field
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("blank", ["\u2028", "\x85", "\v", "\f", "\u00a0", "\t", "\u3000", "  "])
def test_a_blank_of_any_kind_in_a_row_is_a_space(blank: str, tmp_path: Path) -> None:
    rows, problems = parse_list(f"a.wav|me{blank}too|EN|one{blank}two\nb.wav|me|EN|fine\n")
    assert [(row.speaker, row.text) for row in rows] == [("me too", "one two"), ("me", "fine")]
    assert not problems
    write_list(tmp_path / "a.list", rows)
    assert read_list(tmp_path / "a.list") == (rows, [])


def test_a_path_with_strange_blanks_is_written_and_read_as_it_is(tmp_path: Path) -> None:
    rows = [ListRow("/data/my\u2028 old  voice/a\u00a0b.wav", "anna", "en", "Hello.")]
    write_list(tmp_path / "a.list", rows)
    assert read_list(tmp_path / "a.list")[0] == rows


@pytest.mark.parametrize(
    ("encoding", "row"),
    [
        ("cp1252", "café.wav|me|EN|It’s déjà vu, she said."),
        ("cp932", "a.wav|me|JA|今日はいい天気ですね。"),
        ("cp949", "a.wav|me|KO|오늘은 날씨가 좋네요."),
        ("big5", "a.wav|me|ZH|今天的天氣很好，我們出去走走。"),
        ("gb18030", "a.wav|me|ZH|今天的天气很好，我们出去走走。"),
        ("utf-16", "a.wav|me|ZH|今天的天气很好。"),
    ],
)
def test_a_list_of_another_encoding_is_read_by_the_languages_of_its_rows(
    encoding: str, row: str, tmp_path: Path
) -> None:
    (tmp_path / "a.list").write_bytes(f"{row}\r\n".encode(encoding))
    rows, problems = read_list(tmp_path / "a.list")
    assert [read.text for read in rows] == [row.split("|")[3]]
    assert not problems


def test_a_list_whose_encoding_does_not_fit_its_languages_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.list").write_bytes("a.wav|me|EN|今日はいい天気ですね。\n".encode("cp932"))
    with pytest.raises(InvalidInput, match=r"a\.list is not UTF-8.*Shift-JIS") as refused:
        read_list(tmp_path / "a.list")
    assert "Save it as UTF-8" in refused.value.hint


def test_files_of_one_name_in_different_folders_get_no_words_of_each_other() -> None:
    rows, _ = parse_list("a/1.wav|a|EN|One.\nb/2.wav|b|EN|Two.\nb\\1.wav|b|EN|Three.\n")
    taken, problems = rows_by_name(rows)
    assert list(taken) == ["2.wav"]
    assert [problem.line for problem in problems] == [1, 3]
    assert "lines 1 and 3 name files called 1.wav in different folders" in problems[0].reason


def test_one_file_with_two_texts_gets_neither_and_with_one_twice_that() -> None:
    rows, _ = parse_list("1.wav|a|EN|One.\n1.wav|a|EN|Won.\n2.wav|a|EN|Two.\n2.wav|a|EN|Two.\n")
    taken, problems = rows_by_name(rows)
    assert {name: row.text for name, row in taken.items()} == {"2.wav": "Two."}
    assert [problem.line for problem in problems] == [1, 2]


def test_a_binary_file_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "a.list").write_bytes(bytes(range(256)))
    with pytest.raises(InvalidInput, match=r"a\.list is not a text file"):
        read_list(tmp_path / "a.list")
