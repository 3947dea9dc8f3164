"""Marks that end nothing: in $12,500, 10:30, www.x.org, Dr. Jones, 5 p.m. and J. Smith.

While a text is cut they are hidden as characters that no text has.
"""

from __future__ import annotations

import re

_MARKS = ".,:：?!;"
_HIDDEN = str.maketrans(_MARKS, "".join(chr(0xF0000 + place) for place in range(len(_MARKS))))
_SHOWN = {replacement: mark for mark, replacement in _HIDDEN.items()}

_TITLES = "Dr|Mr|Mrs|Ms|Mx|Prof|St|Mt|Ft|Gen|Col|Lt|Sgt|Capt|Rev|Hon|Gov|Sen|Rep|Pres"
_BEFORE_MORE = "vs|etc|approx|est|Inc|Ltd|Co|Corp|Jr|Sr|Ave|Blvd|Rd"
_INNER = re.compile(
    r"(?<=[0-9])[.,:：](?=[0-9])"
    # Addresses, names of files, p.m, U.S: a sentence would begin with a capital after a blank.
    r"|(?<=[A-Za-z0-9])\.(?=[a-z0-9])"
    r"|(?<![A-Za-z])[A-Z]\.(?=[A-Z](?![a-z]))"
    r"|(?<=[A-Z])\.(?= [a-z])"
    r"|(?<=[A-Za-z0-9/])[?:](?=[A-Za-z0-9/])"
    rf"|(?:(?<=\W)|^)(?:{_TITLES})\.(?= )"
    rf"|(?:(?<=\W)|^)(?:{_BEFORE_MORE})\.(?= [a-z0-9])"
    r"|(?:(?<=\W)|^)Nos?\.(?= ?[0-9])"
    r"|(?<![A-Za-z])[ap]\.m\.(?= [a-z0-9])"
    r"|(?<![A-Za-z])(?:e\.g|i\.e)\.(?=[ ,])"
    r"|(?<![A-Za-z.])[A-HJ-Z]\.(?= [A-Z][a-z.])"
)


def hidden(text: str) -> str:
    return _INNER.sub(lambda match: match[0].translate(_HIDDEN), text)


def shown(text: str) -> str:
    return text.translate(_SHOWN)
