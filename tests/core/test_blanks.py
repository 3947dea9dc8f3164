from __future__ import annotations

import pytest

from ray_pipeline.core.blanks import one_line, plain_lines


@pytest.mark.parametrize("blank", ["\t", "\u00a0", "\u2009", "\u202f", "\u3000", "\u2028", "\v\f"])
def test_every_blank_is_a_space(blank: str) -> None:
    assert one_line(f"page{blank}5 of {blank}10{blank}") == "page 5 of 10"


@pytest.mark.parametrize("nothing", ["\u200b", "\ufeff", "\u00ad", "\u2060", "\u200f"])
def test_what_has_no_width_is_nothing(nothing: str) -> None:
    assert one_line(f"{nothing}im{nothing}possible") == "impossible"
    assert one_line(nothing) == ""


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\u2028", "\u2029", "\x85", "\v", "\f"])
def test_every_line_break_is_a_newline_where_lines_are_kept(end: str) -> None:
    assert plain_lines(f" one\u00a0\u00a0two{end}{end}\t{end}three ") == "one two\nthree"
