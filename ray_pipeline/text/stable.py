"""Rewriting until nothing changes, so that a normalised text normalises to itself."""

from __future__ import annotations

from collections.abc import Callable

_MOST_PASSES = 6


def until_stable(rewrite: Callable[[str], str], text: str) -> str:
    """`rewrite` applied until its result stays; one rule may bring about what another is for."""
    for _ in range(_MOST_PASSES):
        before, text = text, rewrite(text)
        if text == before:
            break
    return text
