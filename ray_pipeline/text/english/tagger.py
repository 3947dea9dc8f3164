"""Tokens and parts of speech, the same as NLTK's TweetTokenizer and PerceptronTagger give.

The weights are NLTK's, its code is not used: importing it loads scikit-learn and scipy.stats,
which costs two seconds in each process that reads English.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from typing import Any

from ray_pipeline.text.nltk_data import nltk_data_path

_MODEL = "taggers/averaged_perceptron_tagger_eng/averaged_perceptron_tagger_eng"
# For what `normalise` leaves: letters, spaces and ' . , ? ! -
_TOKEN = re.compile(
    r"""
    [a-z]+ (?: [.\-] [a-z]+ )* \. [a-z]{2,13} \b   # joined by a dot, as in a web address
    | [a-z] [a-z'\-]+ [a-z]
    | [a-z]+
    | \S
    """,
    re.VERBOSE | re.IGNORECASE,
)
_BEFORE, _AFTER = ("-START-", "-START2-"), ("-END-", "-END2-")


def tokenize(text: str) -> list[str]:
    """The words and marks of a normalised text. Of four apostrophes or more three are left."""
    return _TOKEN.findall(re.sub("'{4,}", "'''", text))


class Tagger:
    """Matthew Honnibal's averaged perceptron: a word's tag is the one that its features, the two
    tags before it among them, weigh most for. Words that nearly always have one tag have that."""

    def __init__(self) -> None:
        self._weights: dict[str, dict[str, float]] = _read("weights")
        self._only_tag: dict[str, str] = _read("tagdict")
        self._tags: list[str] = _read("classes")

    def tag(self, text: str) -> list[tuple[str, str]]:
        """Pairs of token and Penn Treebank tag, of a normalised text."""
        tokens = tokenize(text)
        words = [*_BEFORE, *map(_word, tokens), *_AFTER]
        last, last_but_one = _BEFORE
        tagged = []
        for index, token in enumerate(tokens):
            tag = self._only_tag.get(token) or self._best(
                _features(token, words[index : index + 5], last, last_but_one)
            )
            tagged.append((token, tag))
            last, last_but_one = tag, last
        return tagged

    def _best(self, features: list[str]) -> str:
        scores: dict[str, float] = defaultdict(float)
        for feature in features:
            for tag, weight in self._weights.get(feature, {}).items():
                scores[tag] += weight
        return max(self._tags, key=lambda tag: (scores[tag], tag))


def _features(token: str, words: list[str], last: str, last_but_one: str) -> list[str]:
    """As the weights name them; `words` are the token's own with two on either side."""
    two_before, before, word, after, two_after = words
    return [
        "bias",
        f"i suffix {token[-3:]}",
        f"i pref1 {token[0]}",
        f"i-1 tag {last}",
        f"i-2 tag {last_but_one}",
        f"i tag+i-2 tag {last} {last_but_one}",
        f"i word {word}",
        f"i-1 tag+i word {last} {word}",
        f"i-1 word {before}",
        f"i-1 suffix {before[-3:]}",
        f"i-2 word {two_before}",
        f"i+1 word {after}",
        f"i+1 suffix {after[-3:]}",
        f"i+2 word {two_after}",
    ]


def _word(token: str) -> str:
    return "!HYPHEN" if "-" in token and token[0] != "-" else token.lower()


def _read(part: str) -> Any:
    return json.loads((nltk_data_path() / f"{_MODEL}.{part}.json").read_text("utf-8"))
