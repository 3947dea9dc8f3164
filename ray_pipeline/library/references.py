"""Whether a recording can be imitated, and in what language it is said to be."""

from __future__ import annotations

import re
from pathlib import Path

from ray_pipeline.core.errors import InvalidInput
from ray_pipeline.core.languages import LANGUAGES, MODE_CODES, guess_language, mode_code
from ray_pipeline.library.draft import DraftFile, DraftReference

MAX_TEXT = 1000


def checked_reference(
    path: Path, mood: str, text: str, language: str, *, name: str = "", field: str = "file"
) -> DraftReference:
    """Raises InvalidInput for a recording that cannot be read, is not 3 to 10 s long, or is
    silent, and for a language that nobody here speaks."""
    import numpy as np

    from ray_pipeline.voice.reference import check_length, read_reference

    name = name or path.name
    try:
        wav, rate = read_reference(path)
        check_length(len(wav) / rate, name)
    except InvalidInput as error:
        hint = "Cut it to 3 to 10 s of clear speech." if "long" in error.message else error.hint
        raise InvalidInput(error.message, hint=hint, field=field) from error
    if not np.abs(wav).max(initial=0.0) > 0:
        raise InvalidInput(
            f"The reference {name} is silent.",
            hint="Choose a recording in which the speaker can be heard.",
            field=field,
        )
    if len(text) > MAX_TEXT:
        raise InvalidInput(
            f"The text of {name} has {len(text)} characters; {MAX_TEXT} are the most.",
            hint="Give what is said in these seconds.",
            field="reference_text",
        )
    spoken = mode_code(language) if language else ""
    if spoken and spoken not in MODE_CODES:
        raise InvalidInput(
            f"{language[:40]!r} is no language that a voice speaks.",
            hint=f"Use one of {', '.join(LANGUAGES)}.",
            field="reference_language",
        )
    text = text.strip() if re.search(r"\w", text) else ""  # marks alone say nothing
    spoken = spoken or (guess_language(text) if text else "")
    return DraftReference(mood=mood, audio=DraftFile(path, name), text=text, language=spoken)
