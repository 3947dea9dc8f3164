"""What a voice is to say: a text in pieces, each as phones."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from ray_pipeline.core.blanks import plain_lines
from ray_pipeline.core.errors import InvalidInput
from ray_pipeline.core.speech import CutMethod
from ray_pipeline.text import Phones, phonemize
from ray_pipeline.text.mixed import known_mode
from ray_pipeline.text.own_words import Pronunciations
from ray_pipeline.text.phones import Polyphones
from ray_pipeline.voice.cutting import closed, pieces, squeeze_marks


@dataclass(frozen=True)
class Reader:
    """Reads texts as a voice learned them: by its symbol table, the user's own words and the
    model of polyphones, where it is present. `strict_compat` as in `phonemize`."""

    symbols: str
    dictionary: Pronunciations = field(default_factory=dict)
    polyphones: Polyphones | None = None
    strict_compat: bool = False

    def script(self, text: str, mode: str, method: CutMethod) -> tuple[list[Phones], list[str]]:
        """The pieces of `text` with something to say, and those without.

        Raises InvalidInput, which names the parameter, where nothing is left to say.
        """
        mode = known_mode(mode)
        parts = pieces(
            squeeze_marks(plain_lines(text)), mode, method, strict_compat=self.strict_compat
        )
        read = [(part, self._read(part, mode)) for part in parts]
        said = [phones for _, phones in read if phones is not None]
        if not said:
            raise _nothing_to_say(parts, mode)
        return said, [part.strip() for part, phones in read if phones is None]

    def prompt(self, text: str, mode: str) -> Phones | None:
        """What is said in a reference; None where that is nothing but marks."""
        if not re.search(r"\w", text):
            return None
        mode = known_mode(mode)
        return self._phonemize(closed(plain_lines(text), "." if mode == "en" else "。"), mode)

    def _read(self, text: str, mode: str) -> Phones | None:
        try:
            phones = self._phonemize(text, mode)
        except InvalidInput as error:
            if error.extra.get("field") != "text":
                raise
            return None
        return None if phones.is_silent else phones

    def _phonemize(self, text: str, mode: str) -> Phones:
        return phonemize(
            text,
            mode,
            symbols=self.symbols,
            dictionary=self.dictionary,
            strict_compat=self.strict_compat,
            polyphones=self.polyphones,
        )


def _nothing_to_say(parts: Sequence[str], mode: str) -> InvalidInput:
    if not parts:
        return InvalidInput(
            "The text has nothing that can be said.",
            hint="Give at least one word.",
            field="params.target_text",
        )
    return InvalidInput(
        f"Nothing of the text can be read aloud in the language mode {mode!r}.",
        hint="Say which language the text is written in; a voice speaks those that its base model "
        "has learned.",
        field="params.target_language",
    )
