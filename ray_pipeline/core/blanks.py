"""The one rule for blanks in what users write: rows of lists, edits, texts to be spoken, names.

Editors, web pages and PDFs put no-break spaces, tabs, ideographic spaces and line separators
where a reader sees a space. Here each of them is one. What has no width at all (a zero-width
space, a byte order mark, a soft hyphen, marks of writing direction) is nothing.
"""

from __future__ import annotations

# Zero-width space and no-break space, word joiner, soft hyphen, marks of direction. The joiners
# of emoji and of scripts (U+200C, U+200D) stay: they change what is written.
_NO_WIDTH = dict.fromkeys(
    (0xAD, 0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), 0x2060, *range(0x2066, 0x206A), 0xFEFF)
)


def one_line(text: str) -> str:
    """`text` on one line: every run of blanks and line breaks is one space, none at the ends."""
    return " ".join(text.translate(_NO_WIDTH).split())


def plain_lines(text: str) -> str:
    """`text` with its lines kept: every line break there is (U+2028, vertical tab …) is a
    newline, and each line is as `one_line` makes it; lines without anything are left out."""
    lines = [one_line(line) for line in text.splitlines()]
    return "\n".join(line for line in lines if line)
