"""Tokens and parts of speech, by NLTK."""

from __future__ import annotations

from ray_pipeline.text.nltk_data import offer_data_to_nltk


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
