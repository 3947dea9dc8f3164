"""Words that are written alike and said differently: present (noun), present (verb).

The table (371 words: one reading for one part of speech, another for all others) is that of
g2p_en, by Kyubyong Park, Apache-2.0; it is read from the installed package.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from ray_pipeline.text.english.model_files import g2p_en_path


@dataclass(frozen=True)
class Homograph:
    """`tagged` is the reading for parts of speech that begin with `tag`, else `other`."""

    tag: str
    tagged: list[str]
    other: list[str]

    def read(self, tag: str) -> list[str]:
        # A coarser tag than the table's (VB for VBP) counts as a match too.
        matches = tag.startswith(self.tag) or (tag != "" and self.tag.startswith(tag))
        return self.tagged if matches else self.other


# In the table's own format. Its tags for these two never occur, or are the wrong ones.
_CORRECTIONS = """
READ|R IY1 D|R EH1 D|VBP
COMPLEX|K AH0 M P L EH1 K S|K AA1 M P L EH2 K S|JJ
"""


@cache
def homographs() -> dict[str, Homograph]:
    """By lower-case word."""
    table = (g2p_en_path() / "homographs.en").read_text("utf-8")
    return _parse(table) | _parse(_CORRECTIONS)


def _parse(lines: str) -> dict[str, Homograph]:
    table = {}
    for line in lines.splitlines():
        if line.strip() and not line.startswith("#"):
            word, tagged, other, tag = line.strip().split("|")
            table[word.lower()] = Homograph(tag, tagged.split(), other.split())
    return table
