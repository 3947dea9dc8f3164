"""The pronunciation dictionary: CMUdict 0.7b, filled up from its successor, and hot words.

The data file has one pronunciation a word (the first that CMUdict gives), lower case, as
`word<TAB>phones`. NOTICE names its sources.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from importlib.resources import files

Phones = list[str]

# CMUdict has these as words; people write them as initials.
_SPELLED = ("ae", "ai", "ar", "ios", "hud", "os")

# Newer than the dictionary.
_HOT_WORDS = {
    "chatgpt": "CH AE1 T JH IY1 P IY1 T IY1",
    "conda": "K AA1 N D AH0",
    "json": "JH EY1 S AH0 N",
}


@dataclass(frozen=True)
class Lexicon:
    """`words`: lower-case word to phones, as one string; splitting 126,000 lists costs 40 MB."""

    words: dict[str, str]

    @classmethod
    def load(cls) -> Lexicon:
        packed = (files("ray_pipeline.text.english") / "cmudict.tsv.gz").read_bytes()
        lines = gzip.decompress(packed).decode("ascii").splitlines()
        words = dict(line.split("\t", 1) for line in lines)
        for word in _SPELLED:
            words.pop(word, None)
        return cls(words | _HOT_WORDS)

    def get(self, word: str) -> Phones | None:
        phones = self.words.get(word)
        return None if phones is None else phones.split()
