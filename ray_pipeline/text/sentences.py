"""Text that comes in bits, as a language model writes it, cut where a sentence is complete."""

from __future__ import annotations

import re

# Not every dot ends a sentence: after a letter alone or a title one goes on.
_NO_END = re.compile(r"(?:\b[A-Za-z]|\b(?:Mr|Mrs|Ms|Dr|Prof|St|vs|etc|No|e\.g|i\.e))\.$")
# Full-width marks end by themselves, others when a blank comes after them, quotes included.
_END = re.compile(r"[。！？…]+[”’」』）\"']*|[.!?]+[”’\"')\]]*(?=\s)|\n+")
# A piece of text without an end: what is held back at most.
MAX_WAITING = 400
_COMMA = re.compile(r"[,;:，；：、]\s*|\s")


class Sentences:
    def __init__(self) -> None:
        self._waiting = ""

    def feed(self, text: str) -> list[str]:
        """The sentences that are complete now."""
        self._waiting += text
        found, begin = [], 0
        for match in _END.finditer(self._waiting):
            sentence = self._waiting[begin : match.end()]
            if not _NO_END.search(sentence):
                found.append(sentence)
                begin = match.end()
        self._waiting = self._waiting[begin:]
        while len(self._waiting) > MAX_WAITING:
            found.append(self._cut())
        return [sentence.strip() for sentence in found if sentence.strip()]

    def flush(self) -> list[str]:
        """What is left, as if it were complete."""
        rest, self._waiting = self._waiting.strip(), ""
        return [rest] if rest else []

    def _cut(self) -> str:
        """At the last comma or blank that is near enough, otherwise anywhere."""
        places = [match.end() for match in _COMMA.finditer(self._waiting[:MAX_WAITING])]
        at = places[-1] if places else MAX_WAITING
        cut, self._waiting = self._waiting[:at], self._waiting[at:]
        return cut
