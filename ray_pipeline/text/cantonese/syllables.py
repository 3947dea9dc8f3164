"""A jyutping syllable as two symbols of GPT-SoVITS (MIT; NOTICE).

The cut is the original's, odd as it is for syllables without an initial consonant: the first
entry of the list that the syllable begins with is its `initial`, the rest its final; where
nothing is left, the last letter stands for the final. Checkpoints were trained on it.
"""

from __future__ import annotations

# In the order of trial: aap is cut after aa, gw comes before g.
_INITIALS = (
    *("aa", "aai", "aak", "aap", "aat", "aau", "ai", "au", "ap", "at", "ak", "a"),
    *("p", "b", "e", "ts", "t", "dz", "d", "kw", "k", "gw", "g", "f", "h", "l", "m", "ng", "n"),
    *("s", "y", "w", "c", "z", "j", "ong", "on", "ou", "oi", "ok", "o", "uk", "ung"),
)
_PREFIX = "Y"  # keeps Cantonese apart from Mandarin


def symbols(syllable: str) -> list[str]:
    """`nei5` is Yn Yei5; `aa3` is Yaa Ya3. Raises ValueError for what is no jyutping."""
    sounds, tone = syllable[:-1], syllable[-1:]
    initial = next((initial for initial in _INITIALS if sounds.startswith(initial)), None)
    if initial is None or not tone.isdigit():
        raise ValueError(f"not a jyutping syllable: {syllable!r}")
    final = sounds[len(initial) :] or initial[-1]
    return [_PREFIX + initial, _PREFIX + final + tone]
