"""`data/cut.jsonl` holds the original's own answers (its inference package, see the project's
conformance kit); where it raises, ours is an empty list."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ray_pipeline.voice.cutting import SENTENCE_MARKS, cut, pieces, squeeze_marks

ROWS = [
    json.loads(line)
    for line in (Path(__file__).parent / "data" / "cut.jsonl").read_text("utf-8").splitlines()
]
METHODS = ["cut0", "cut1", "cut2", "cut3", "cut4", "cut5"]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
@pytest.mark.parametrize("method", METHODS)
def test_a_cut_is_the_originals(row: dict[str, Any], method: Any) -> None:
    assert "\n".join(cut(row["text"], method)) == row["cut"][method].strip("\n")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_pieces_are_the_originals(row: dict[str, Any], method: Any, language: str) -> None:
    expected = row[f"pre_seg_{language}"][method]
    ours = pieces(row["text"], language, method, strict_compat=True)
    assert ours == ([] if "error" in expected else expected)


def test_runs_of_marks_become_their_first() -> None:
    assert squeeze_marks("What?!... No--yes") == "What? No-yes"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The price is $12,500 today.", "en"),
        ("It has 1,000,000 users.", "en"),
        ("价格是1,234.50元。", "zh"),
        ("Dr. Jones met J. R. Smith at 5 p.m. on Monday.", "en"),
        ("He reads www.x.org/a?b=c and the U.S. news.", "en"),
        ("会议10：30开始。", "zh"),
        ("See e.g. No. 5 of St. Mark.", "en"),
    ],
)
@pytest.mark.parametrize("method", METHODS)
def test_a_mark_inside_a_number_a_name_or_an_address_ends_nothing(
    text: str, language: str, method: Any
) -> None:
    assert pieces(text, language, method) == [text]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("He is 5. Next is 6.", ["He is 5.", "Next is 6."]),
        ("He left at 6 p.m. She stayed, too.", ["He left at 6 p.m.", "She stayed,", "too."]),
        ("The end.Next one here", ["The end.", "Next one here."]),
        ("Wait, etc. Then go!", ["Wait,", "etc.", "Then go!"]),
        ("10", ["10."]),
    ],
)
def test_a_sentence_still_ends_where_it_ends(text: str, parts: list[str]) -> None:
    assert pieces(text, "en") == parts


def test_an_endless_sentence_is_split_at_marks() -> None:
    text = "word word word, " * 100
    parts = pieces(text, "en", "cut0")
    assert len(parts) > 1
    assert max(map(len, parts)) <= 510
    assert "".join(parts).replace(" ", "").startswith("wordwordword,")


@given(st.text(alphabet="ab1.,!?;: \n。，、…—~-", max_size=60), st.sampled_from(METHODS))
def test_any_text_gives_pieces_that_say_something_and_end_in_a_mark(text: str, method: Any) -> None:
    for piece in pieces(text, "en", method):
        assert any(character.isalnum() for character in piece)
        assert piece[-1] in SENTENCE_MARKS
