from __future__ import annotations

from ray_pipeline.books.cutting import BLOCK_CHARACTERS, blocks_of, chapters_in


def test_headings_begin_chapters_and_are_said() -> None:
    text = "A word before.\r\n\r\n# One #\r\nFirst.\n\n## Two\nSecond.\n\n# ***\n\n"
    assert chapters_in(text) == [
        ("", "A word before.\n\n"),
        ("One", "One\n\n\nFirst.\n\n"),
        ("Two", "Two\n\n\nSecond.\n\n"),
    ]
    assert chapters_in("No headings. #hashtag") == [("", "No headings. #hashtag")]


def test_lines_of_a_paragraph_are_joined_and_paragraphs_end_sentences() -> None:
    [block] = blocks_of("A title\n\nIt was a dark\nand stormy night. Dr. Who\ncame in.\n\nThe end")
    assert block == "A title\nIt was a dark and stormy night. Dr. Who came in.\nThe end"
    assert blocks_of("他来了，\n又走了。\n\n完。") == ["他来了，又走了。\n完。"]


def test_blocks_end_at_sentences_and_lose_nothing() -> None:
    sentences = [f"This is sentence number {number} of a long text." for number in range(40)]
    blocks = blocks_of(" ".join(sentences))
    assert " ".join(blocks) == " ".join(sentences)
    assert all(block.endswith(".") for block in blocks)
    assert max(map(len, blocks)) <= BLOCK_CHARACTERS + 2
    assert blocks_of("* * *\n\n---") == []
