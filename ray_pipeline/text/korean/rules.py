"""g2pk2's pronunciation rules, without what its constructor does besides.

That constructor runs `pip install` where MeCab is missing and keeps NLTK's copy of CMUdict
(100 MB) in memory for English words. Here the dictionary of the English front end serves.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from ray_pipeline.text.nltk_data import offer_data_to_nltk


class FirstPronunciations(Mapping[str, list[list[str]]]):
    """An English dictionary (word to phones in one string) in the shape that g2pk2 asks for."""

    def __init__(self, words: Mapping[str, str]) -> None:
        self._words = words

    def __getitem__(self, word: str) -> list[list[str]]:
        return [self._words[word].split()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._words)

    def __len__(self) -> int:
        return len(self._words)


def load_rules(english_words: Mapping[str, str]) -> Callable[[str], str]:
    """A function from Korean text to the syllables that are said; `english_words` in ARPAbet.

    Raises ImportError without g2pk2, python-mecab-ko or their data.
    """
    offer_data_to_nltk()  # g2pk2 looks for it when imported
    from g2pk2 import g2pk2
    from mecab import MeCab

    class Rules(g2pk2.G2p):
        def __init__(self) -> None:
            self.mecab = MeCab()
            # Compiled: there are more rules than Python's cache of patterns holds.
            self.table = [
                (re.compile(written), said, rules) for written, said, rules in g2pk2.parse_table()
            ]
            self.cmu = FirstPronunciations(english_words)
            self.rule2text: dict[str, str] = {}  # only for its verbose mode
            self.idioms_path = str(Path(g2pk2.__file__).with_name("idioms.txt"))

    rules: Callable[[str], str] = Rules()
    return rules
