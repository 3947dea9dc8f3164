"""The user's own pronunciations: words that are read as they say, whatever a front end knows.

A dictionary file has a word and its phones a line, apart by a tab or by spaces where the word
has none; `#` begins a comment:

    GPT-SoVITS	JH IY1 P IY1 T IY1 S OW1 V IH0 T S
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from ray_pipeline.core.errors import InvalidInput
from ray_pipeline.text.symbols import symbol_table

Pronunciations = Mapping[str, Sequence[str]]


def parse_dictionary(
    lines: str, *, source: str = "the dictionary", symbols: str | None = None
) -> dict[str, list[str]]:
    """The words of the file `source` with their phones; a word given twice keeps the last ones.

    Raises InvalidInput that names the line which has no phones, or a phone that the symbol
    table lacks where one is named.
    """
    table = None if symbols is None else symbol_table(symbols)
    words: dict[str, list[str]] = {}
    for number, line in enumerate(lines.splitlines(), 1):
        entry = line.split("#", 1)[0].strip().lstrip("\ufeff")
        if not entry:
            continue
        word, _, phones = entry.partition("\t") if "\t" in entry else entry.partition(" ")
        if not phones.split():
            raise InvalidInput(
                f"Line {number} of {source} gives no phones for {word!r}.",
                hint="Write the word, a tab, and its phones with spaces between.",
                field="dictionary",
            )
        bad = [] if table is None else [phone for phone in phones.split() if phone not in table]
        if bad:
            raise InvalidInput(
                f"Line {number} of {source} reads {word.strip()!r} with what is no phone: "
                f"{' '.join(bad)}.",
                hint="Use phones as `gsv text` shows them, such as HH AH0 L OW1.",
                field="dictionary",
            )
        words[word.strip()] = phones.split()
    return words


def checked(dictionary: Pronunciations, table: Mapping[str, int]) -> dict[str, list[str]]:
    """With the words in lower case. Raises InvalidInput for a phone that the table lacks."""
    for word, phones in dictionary.items():
        bad = [phone for phone in phones if phone not in table]
        if bad or not phones or not word.strip():
            raise InvalidInput(
                f"The pronunciation of {word!r} uses {bad or 'no phones'}.",
                hint="Use phones of the symbol table, such as HH AH0 L OW1.",
                field="dictionary",
            )
    return {word.lower(): list(phones) for word, phones in dictionary.items()}


def split_at(text: str, words: Iterable[str], *others: str) -> list[str]:
    """`text` in pieces: each of `words` (in any case, the longest first) is one by itself.

    `others` are patterns of further pieces, without groups.
    """
    longest_first = sorted(words, key=len, reverse=True)
    patterns = "|".join([*map(re.escape, longest_first), *others])
    if not patterns:
        return [text] if text else []
    return [piece for piece in re.split(f"({patterns})", text, flags=re.IGNORECASE) if piece]


def spread(phones: Sequence[str], characters: int) -> list[list[str]]:
    """`phones` over so many characters, as evenly as can be, the first ones getting more."""
    bounds = [-(-index * len(phones) // characters) for index in range(characters + 1)]
    return [list(phones[start:end]) for start, end in pairwise(bounds)]
