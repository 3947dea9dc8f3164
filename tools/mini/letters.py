"""From the project's phones to the letters that the teachers read, phone by phone.

Both teachers, hibari and Kokoro, read the alphabet of misaki: IPA with one letter for each
diphthong and affricate, stress marks, arrows for Mandarin tones. They tell how long they speak
each letter, so every letter remembers the phone it stands for: `Letter.owner`.

A space lasts, too. Behind a mark it belongs to the pause of that mark, elsewhere to the phone
that follows. A stress mark belongs to its vowel.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

MARKS = {",": ",", ".": ".", "?": "?", "!": "!", "…": "…", "-": "—"}


class Letter(NamedTuple):
    """One letter of the teacher's alphabet; `owner` is the index of its phone."""

    text: str
    owner: int


class NoLetters(ValueError):
    """A phone that the teachers have no letters for."""


_ENGLISH = {
    "AA": "ɑ", "AE": "æ", "AO": "ɔ", "AW": "W", "AY": "I", "EH": "ɛ", "EY": "A", "IH": "ɪ",
    "IY": "i", "OW": "O", "OY": "Y", "UH": "ʊ", "UW": "u",
    "B": "b", "CH": "ʧ", "D": "d", "DH": "ð", "F": "f", "G": "ɡ", "HH": "h", "JH": "ʤ",
    "K": "k", "L": "l", "M": "m", "N": "n", "NG": "ŋ", "P": "p", "R": "ɹ", "S": "s",
    "SH": "ʃ", "T": "t", "TH": "θ", "V": "v", "W": "w", "Y": "j", "Z": "z", "ZH": "ʒ",
}  # fmt: skip
_STRESS = {"1": "ˈ", "2": "ˌ"}

# The dictionary stresses every word of one syllable; in a sentence these have no stress.
_WEAK_WORDS = frozenset(
    {
        "a", "an", "the", "and", "or", "but", "nor", "if", "as", "than", "that", "of", "in",
        "on", "at", "to", "for", "from", "by", "with", "into", "upon", "is", "was", "were",
        "are", "am", "be", "been", "being", "has", "had", "have", "do", "does", "did", "will",
        "would", "shall", "should", "can", "could", "may", "might", "must", "it", "its", "he",
        "she", "his", "her", "him", "they", "them", "their", "we", "us", "our", "you", "your",
        "i", "my", "me", "who", "whom", "whose", "which", "there",
    }
)  # fmt: skip


def english_letters(words: Sequence[tuple[str, Sequence[str]]]) -> list[Letter]:
    """`words`: each token as written with its phones; the phones of a mark are the mark."""
    letters: list[Letter] = []
    owner = 0
    for word, phones in words:
        if not phones:
            continue
        if owner and phones[0] not in MARKS:
            behind_mark = letters[-1].text in MARKS.values()
            letters.append(Letter(" ", owner - 1 if behind_mark else owner))
        is_weak = word.lower() in _WEAK_WORDS
        for index, phone in enumerate(phones):
            text = MARKS.get(phone) or _english(phone, phones[:index], phones[index + 1 :], is_weak)
            letters += [Letter(letter, owner) for letter in text]
            owner += 1
    return letters


def _english(phone: str, before: Sequence[str], after: Sequence[str], is_weak: bool) -> str:
    name, stress = (phone[:-1], phone[-1]) if phone[-1] in "012" else (phone, "")
    mark = "" if is_weak else _STRESS.get(stress, "")
    if name == "AH":
        return mark + ("ə" if stress == "0" else "ʌ")
    if name == "ER":
        return mark + ("əɹ" if stress == "0" else "ɜɹ")
    if name == "T" and before and after and _flaps(before[-1], after[0]):
        return "T"
    if name not in _ENGLISH:
        raise NoLetters(phone)
    return mark + _ENGLISH[name]


def _flaps(before: str, after: str) -> bool:
    """American T between vowels, the second of them unstressed, as in `water`."""
    return (before[-1] in "012" or before == "R") and after[-1] == "0" and after != "AH0"


_INITIALS = {
    "b": "p", "p": "pʰ", "m": "m", "f": "f", "d": "t", "t": "tʰ", "n": "n", "l": "l", "g": "k",
    "k": "kʰ", "h": "x", "j": "ʨ", "q": "ʨʰ", "x": "ɕ", "zh": "ꭧ", "ch": "ꭧʰ", "sh": "ʂ",
    "r": "ɻ", "z": "ʦ", "c": "ʦʰ", "s": "s",
}  # fmt: skip
_FINALS = {
    "a": "a", "o": "wo", "e": "ɤ", "i": "i", "u": "u", "v": "y", "ai": "ai", "ei": "ei",
    "ao": "au", "ou": "ou", "an": "an", "en": "ən", "ang": "aŋ", "eng": "əŋ", "ong": "ʊŋ",
    "er": "ɚ", "ia": "ja", "ie": "je", "iao": "jau", "iu": "jou", "ian": "jɛn", "in": "in",
    "iang": "jaŋ", "ing": "iŋ", "iong": "jʊŋ", "ua": "wa", "uo": "wo", "uai": "wai",
    "ui": "wei", "uan": "wan", "un": "wən", "uang": "waŋ", "ve": "ɥe", "van": "ɥɛn",
    "vn": "yn", "i0": "ɨ", "ir": "ɨ",
}  # fmt: skip
# Finals behind the symbols of syllables that begin with a vowel.
_AFTER_Y = {
    "a": "ja", "e": "je", "ao": "jau", "ou": "jou", "an": "jɛn", "ang": "jaŋ", "ong": "jʊŋ",
    "o": "jo", "ai": "jai", "i": "i", "in": "in", "ing": "iŋ", "E": "je", "En": "jɛn",
}  # fmt: skip
_AFTER_W = {
    "a": "wa", "o": "wo", "ai": "wai", "ei": "wei", "an": "wan", "en": "wən", "ang": "waŋ",
    "eng": "wəŋ", "u": "u",
}  # fmt: skip
_VOWEL_INITIALS = {"y": _AFTER_Y, "w": _AFTER_W, "AA": _FINALS, "EE": _FINALS, "OO": _FINALS}
_TONES = {"1": "→", "2": "↗", "3": "↓", "4": "↘", "5": ""}


def mandarin_letters(phones: Sequence[str]) -> list[Letter]:
    """Initials and finals come in pairs. What stands for the beginning of a syllable without a
    consonant has the glide where there is one, else no letter of its own."""
    letters: list[Letter] = []
    owner = 0
    while owner < len(phones):
        phone = phones[owner]
        if phone in MARKS:
            letters += [Letter(MARKS[phone], owner), Letter(" ", owner)]
            owner += 1
            continue
        if owner + 1 == len(phones):
            raise NoLetters(phone)
        letters += _syllable(phone, phones[owner + 1], owner)
        owner += 2
    return letters


def _syllable(initial: str, final: str, owner: int) -> list[Letter]:
    spelling, tone = final[:-1], final[-1]
    finals = _VOWEL_INITIALS.get(initial, _FINALS)
    text = finals.get(spelling) or _FINALS.get(spelling)
    if text is None or tone not in _TONES or (finals is _FINALS and not _known(initial)):
        raise NoLetters(f"{initial} {final}")
    head = _INITIALS.get(initial, "")
    if not head and len(text) > 1 and text[0] in "jwɥ":
        head, text = text[0], text[1:]
    stem = text.rstrip("nŋ")
    return [Letter(letter, owner) for letter in head] + [
        Letter(letter, owner + 1) for letter in stem + _TONES[tone] + text[len(stem) :]
    ]


def _known(initial: str) -> bool:
    return initial in _INITIALS or initial in _VOWEL_INITIALS


_JAPANESE = {
    "k": "k", "g": "ɡ", "s": "s", "z": "ʣ", "t": "t", "d": "d", "n": "n", "h": "h", "b": "b",
    "p": "p", "m": "m", "y": "j", "r": "ɾ", "w": "β", "v": "v", "f": "ɸ", "ts": "ʦ", "ch": "ʨ",
    "sh": "ɕ", "j": "ʥ", "ky": "kʲ", "gy": "ɡʲ", "ny": "ɲ", "hy": "ç", "by": "bʲ", "py": "pʲ",
    "my": "mʲ", "ry": "ɾʲ", "dy": "dʲ", "ty": "tʲ",
    "a": "a", "i": "i", "u": "ɯ", "e": "e", "o": "o", "cl": "ʔ",
}  # fmt: skip
_BEFORE_I = {
    "k": "kʲ", "g": "ɡʲ", "n": "ɲ", "h": "ç", "b": "bʲ", "p": "pʲ", "m": "mʲ", "r": "ɾʲ",
    "t": "tʲ", "d": "dʲ", "v": "vʲ",
}  # fmt: skip
_FRONTED_U_AFTER = frozenset(("s", "z", "ts", "ch", "sh", "j", "ky", "gy", "ny", "hy", "ry"))
_PAUSE, _BORDER, _ACCENTS = "_", "UNK", ("[", "]")


def japanese_letters(phones: Sequence[str]) -> list[Letter]:
    """Accent marks have no letters: the teacher finds its own melody. A border between accent
    phrases is a space."""
    letters: list[Letter] = []
    spoken = [phone for phone in phones if phone not in _ACCENTS]
    owners = [index for index, phone in enumerate(phones) if phone not in _ACCENTS]
    for place, (phone, owner) in enumerate(zip(spoken, owners, strict=True)):
        before = spoken[place - 1] if place else ""
        after = spoken[place + 1] if place + 1 < len(spoken) else ""
        if phone in MARKS or phone == _PAUSE:
            letters += [Letter(MARKS.get(phone, ","), owner), Letter(" ", owner)]
        elif phone == _BORDER:
            letters.append(Letter(" ", owner))
        elif phone == before and phone in "aiueo":
            letters.append(Letter("ː", owner))
        elif phone == "N":
            letters.append(Letter(_nasal_before(after), owner))
        elif phone == "u" and before in _FRONTED_U_AFTER:
            letters.append(Letter("ɨ", owner))
        elif after == "i" and phone in _BEFORE_I:
            letters += [Letter(letter, owner) for letter in _BEFORE_I[phone]]
        elif phone in _JAPANESE:
            letters += [Letter(letter, owner) for letter in _JAPANESE[phone]]
        else:
            raise NoLetters(phone)
    return letters


def _nasal_before(phone: str) -> str:
    if phone[:1] in ("m", "p", "b"):
        return "m"
    if phone[:1] in ("k", "g"):
        return "ŋ"
    if phone in ("ny", "ch", "j"):
        return "ɲ"
    return "n" if phone[:1] in ("n", "t", "d", "r", "z") else "ɴ"


def seconds_of_phones(
    letters: Sequence[Letter], seconds: Sequence[float], num_phones: int
) -> list[float]:
    """What the letters of each phone last together. A phone without letters takes up to 25 ms
    of the phone behind it, or else of the one before it."""
    totals = [0.0] * num_phones
    for letter, lasts in zip(letters, seconds, strict=True):
        totals[letter.owner] += lasts
    owned = {letter.owner for letter in letters}
    for index in range(num_phones - 1, -1, -1):
        if index in owned:
            continue
        giver = index + 1 if index + 1 in owned else index - 1
        if 0 <= giver < num_phones:
            share = min(_SHARE_SECONDS, totals[giver] / 2)
            totals[giver] -= share
            totals[index] = share
    return totals


_SHARE_SECONDS = 0.025
