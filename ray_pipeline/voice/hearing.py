"""Whether a recogniser heard all of a piece: what it wrote is read as the piece was, and the two
are laid side by side, phone by phone. Spelling and numbers in digits so make no difference."""

from __future__ import annotations

from difflib import SequenceMatcher

from ray_pipeline.core.errors import InvalidInput
from ray_pipeline.text import Phones, phonemize
from ray_pipeline.text.symbols import SOUNDLESS
from ray_pipeline.voice.checking import GOOD, Verdict

# A recogniser drops an article now and then; three phones in a row are a word.
_WORD = 3
_LEAST_UNDERSTOOD = 0.5


def compare(phones: Phones, heard: str) -> Verdict:
    """`heard` is what the recogniser wrote of the piece."""
    wanted, got = _spoken(phones), _read(heard, phones)
    if not wanted:
        return GOOD
    same, missing, longest = 0, 0, 0
    matcher = SequenceMatcher(None, wanted, got, autojunk=False)
    for kind, start, end, other_start, other_end in matcher.get_opcodes():
        if kind == "equal":
            same += end - start
            continue
        lost = (end - start) - (other_end - other_start)
        if lost >= _WORD:
            missing, longest = missing + lost, max(longest, lost)
    share = same / len(wanted)
    if share < _LEAST_UNDERSTOOD:
        return Verdict(f"Only {share:.0%} of it was understood: {heard!r}.", 1 - share)
    if missing:
        problem = (
            f"{missing} of {len(wanted)} phones were not heard: words are missing in {heard!r}."
        )
        return Verdict(problem, min(1.0, 0.1 + missing / len(wanted)))
    return GOOD


def _read(heard: str, like: Phones) -> list[str]:
    """In the languages that the piece was read in."""
    languages = {part.language for part in like.parts} or {like.language}
    mode = languages.pop() if len(languages) == 1 else "auto"
    try:
        return _spoken(phonemize(heard, mode))
    except InvalidInput:
        return []  # nothing that can be read


def _spoken(phones: Phones) -> list[str]:
    """Without marks, stress and tones, which recognisers do not write."""
    return [phone.rstrip("0123456789") for phone in phones.phones if phone not in SOUNDLESS]
