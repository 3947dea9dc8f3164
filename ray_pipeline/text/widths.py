"""Characters of an unusual width in their usual one: ｱｲｳ is アイウ, ＧＰＴ４ is GPT4."""

from __future__ import annotations

import re
import unicodedata

# Kana of half width with their voicing marks; letters, digits and % of full width. Full-width
# marks stay: they are how Chinese and Japanese are written.
_UNUSUAL = re.compile("[\uff66-\uff9f]+|[\uff10-\uff19\uff21-\uff3a\uff41-\uff5a\uff05]+")


def usual_width(text: str) -> str:
    return _UNUSUAL.sub(lambda match: unicodedata.normalize("NFKC", match[0]), text)
