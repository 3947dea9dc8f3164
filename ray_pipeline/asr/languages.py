"""Names of languages as `.list` files and recognisers write them."""

from __future__ import annotations

from ray_pipeline.core.options import LANGUAGE_NAMES

# What can be trained on, and what the original writes in the third field.
LANGUAGES = ("zh", "en", "ja", "ko", "yue")


def trainable_language(name: str) -> str | None:
    """The code for a name such as `ZH`, `jp` or `英文`; None for one that cannot be trained on."""
    trimmed = name.strip().lower()
    code = LANGUAGE_NAMES.get(trimmed, trimmed)
    return code if code in LANGUAGES else None


def guess_language(text: str) -> str:
    """By script: any kana is Japanese, any hangul Korean, any other han Chinese, else English."""
    if any("\u3040" <= character <= "\u30ff" for character in text):
        return "ja"
    if any("\uac00" <= character <= "\ud7a3" for character in text):
        return "ko"
    if any("\u3400" <= character <= "\u9fff" for character in text):
        return "zh"
    return "en"
