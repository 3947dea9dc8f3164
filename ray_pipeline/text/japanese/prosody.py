"""Phones and accent marks out of OpenJTalk's full-context labels.

The marks are those of Kurihara et al. 2021 (Prosodic features control by symbols as input of
sequence-to-sequence acoustic modeling for neural TTS): `[` the pitch rises after this phone,
`]` it falls, a border between accent phrases, `_` a pause. The border has no symbol in
GPT-SoVITS, so it is UNK wherever it occurs; trained models rely on that.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from ray_pipeline.text.symbols import UNKNOWN

RISE, FALL, PAUSE, BORDER = "[", "]", "_", UNKNOWN

_LABEL = re.compile(
    r"-(?P<phone>[^+]+)\+.*?"
    r"/A:(?P<accent_distance>-?\d+|xx)\+(?P<mora>\d+|xx)\+(?P<moras_left>\d+|xx)"
    r".*/F:(?P<phrase_moras>\d+|xx)_"
)
_ENDS_A_MORA = frozenset(("a", "e", "i", "o", "u", "N", "cl"))


@dataclass(frozen=True)
class Label:
    """One phone. Moras count from 1; None where the label has none (silence, pause).

    `accent_distance`: moras past the accent's; `moras_left`: in the phrase, this one included.
    """

    phone: str
    accent_distance: int | None
    mora: int | None
    moras_left: int | None
    phrase_moras: int | None


def parse_label(label: str) -> Label:
    match = _LABEL.search(label)
    if match is None:
        raise ValueError(f"not a full-context label: {label!r}")
    fields = match.groupdict()
    phone = fields.pop("phone")
    numbers = {name: None if text == "xx" else int(text) for name, text in fields.items()}
    # A devoiced vowel is written in upper case.
    return Label(phone.lower() if phone in "AEIOU" else phone, **numbers)


def phones_with_accents(labels: list[str]) -> list[str]:
    """Of one utterance, whose first and last label are silence."""
    phones = []
    for label, following in pairwise(parse_label(label) for label in labels[1:]):
        if label.phone == "pau":
            phones.append(PAUSE)
        else:
            phones += [label.phone, *_mark_after(label, following)]
    return phones


def _mark_after(label: Label, following: Label) -> list[str]:
    if label.moras_left == 1 and following.mora == 1 and label.phone in _ENDS_A_MORA:
        return [BORDER]
    is_next_mora = None not in (label.mora, following.mora) and (
        following.mora == (label.mora or 0) + 1
    )
    if label.accent_distance == 0 and is_next_mora and label.mora != label.phrase_moras:
        return [FALL]
    if label.mora == 1 and following.mora == 2:
        return [RISE]
    return []
