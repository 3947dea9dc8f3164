"""A long text into chapters, and a chapter into blocks of some sentences."""

from __future__ import annotations

import re

from ray_pipeline.text.sentences import Sentences

# Half a minute of speech: what is lost when a service dies, and what is waited for when it ends.
BLOCK_CHARACTERS = 400
_HEADING = re.compile(r"^#{1,3}[ \t]+(.+?)[ \t#]*$", re.MULTILINE)
_PARAGRAPH = re.compile(r"\n[ \t]*\n\s*")
# Scripts whose lines are joined without a blank.
_WIDE = r"[\u3000-\u30ff\u3400-\u9fff\uff00-\uffef]"
_WIDE_BREAK = re.compile(rf"(?<={_WIDE})[ \t]*\n[ \t]*(?={_WIDE})")


def chapters_in(text: str) -> list[tuple[str, str]]:
    """Titles and texts: headings as Markdown has them (`# One`) begin chapters, and are said, too.
    What comes before the first one is a chapter without a title; parts with nothing to say are left
    out."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    headings = list(_HEADING.finditer(text))
    ends = [each.start() for each in headings[1:]] + [len(text)]
    found = [("", text[: headings[0].start()] if headings else text)]
    for heading, end in zip(headings, ends, strict=False):
        title = heading[1].strip()
        found.append((title, f"{title}\n\n{text[heading.end() : end]}"))
    return [(title, part) for title, part in found if re.search(r"\w", part)]


def blocks_of(text: str) -> list[str]:
    """The sentences of a text in groups of about `BLOCK_CHARACTERS`. Lines of a paragraph are
    joined; paragraphs are apart by a blank line, and end a sentence."""
    blocks: list[str] = []
    block = ""
    for paragraph in _PARAGRAPH.split(text.replace("\r\n", "\n")):
        joined = " ".join(_WIDE_BREAK.sub("", paragraph).split())
        apart = "\n"
        for sentence in _sentences(joined):
            if block and len(block) + len(sentence) > BLOCK_CHARACTERS:
                blocks.append(block)
                block = ""
            block = f"{block}{apart}{sentence}" if block else sentence
            apart = " "
    return [each for each in [*blocks, block] if re.search(r"\w", each)]


def _sentences(text: str) -> list[str]:
    cutter = Sentences()
    return [*cutter.feed(text), *cutter.flush()]
