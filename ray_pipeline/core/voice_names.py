"""What a voice may be called, and how people say which version of it they mean."""

from __future__ import annotations

import re
import unicodedata

from ray_pipeline.core.errors import InvalidInput

MAX_NAME = 100
# An id is looked up before a name, so no name may look like one.
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_VERSION = re.compile(r"[0-9]{1,9}")
HIGHEST_VERSION = 999_999_999  # both databases can ask for it, and it has no more digits than that


def normal_name(name: str) -> str:
    """The same word typed on two systems is one name (Unicode's form C)."""
    return unicodedata.normalize("NFC", name.strip())


def check_voice_name(name: str, field: str = "name") -> str:
    """The name in its normal form: letters and digits of any script, with `.`, `_` and `-` after
    the first of them. It is part of an address (so no `/`) and stands before the `@` of a version.

    Raises InvalidInput.
    """
    normal = normal_name(name)
    fits = 0 < len(normal) <= MAX_NAME and _is_word(normal[0])
    if not fits or not all(_is_word(letter) or letter in "._-" for letter in normal):
        raise InvalidInput(
            f"{name[:MAX_NAME]!r} cannot be the name of a voice.",
            hint=f"Use up to {MAX_NAME} letters and digits of any script, with . _ - between "
            "them; a letter or a digit comes first.",
            field=field,
        )
    if looks_like_id(normal):
        raise InvalidInput(
            f"{normal!r} looks like the id of a voice.", hint="Choose another name.", field=field
        )
    return normal


def looks_like_id(name: str) -> bool:
    """Of a voice or of a task."""
    return _ID.fullmatch(name) is not None


def split_spoken(spoken: str) -> tuple[str, int | None]:
    """`name@3` as the name and the version; None for what follows the current one. What is no
    version belongs to the name, which no voice has then."""
    name, mark, version = spoken.rpartition("@")
    if mark and _VERSION.fullmatch(version):
        return normal_name(name), int(version)
    return normal_name(spoken), None


def _is_word(letter: str) -> bool:
    # Marks are the vowels of scripts such as Devanagari and Thai.
    return unicodedata.category(letter)[0] in "LMN"
