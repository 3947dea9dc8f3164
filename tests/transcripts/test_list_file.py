from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ray_pipeline.core.errors import InvalidInput
from ray_pipeline.core.languages import LANGUAGES
from ray_pipeline.transcripts.list_file import ListRow, parse_list, read_list, read_text, write_list

ROW = ListRow("/data/clips/a b.wav", "anna", "en", "Well, hello.")

# What a field can hold: no separator, no line break, nothing that stripping would take away.
plain = st.text(
    st.characters(exclude_characters="|\n\r\ufeff", exclude_categories=["Cs", "Cc", "Zl", "Zp"]),
    min_size=1,
    max_size=40,
).filter(lambda text: text == text.strip())
paths = plain.filter(lambda text: text == text.strip(" \t\"'\u202a").rstrip("/\\"))


@given(st.builds(ListRow, paths, plain, st.sampled_from(LANGUAGES), plain))
def test_what_is_written_is_read_back(row: ListRow) -> None:
    assert parse_list(row.line() + "\n") == ([row], [])


@given(st.text(max_size=300))
def test_any_text_is_read_without_failing(content: str) -> None:
    rows, problems = parse_list(content)
    filled = [line for line in content.split("\n") if line.strip(" \t\r\ufeff")]
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


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_text_of_usual_encodings_is_read(encoding: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("今天天气很好。\r\n".encode(encoding))
    assert read_text(tmp_path / "a.txt") == "今天天气很好。\n"


def test_a_binary_file_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "a.list").write_bytes(bytes(range(256)))
    with pytest.raises(InvalidInput, match=r"a\.list is not a text file"):
        read_list(tmp_path / "a.list")
