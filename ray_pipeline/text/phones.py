"""A text in one language, by its front end, as symbols with ids: what `phonemize` reads each
segment with, and how GPT-SoVITS prepares its training data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import Protocol

from ray_pipeline.core.errors import BackendMissing, InvalidInput
from ray_pipeline.text.own_words import Pronunciations, checked
from ray_pipeline.text.symbols import SOUNDLESS, UNKNOWN, symbol_table


@dataclass(frozen=True)
class SpokenText:
    """What a front end makes of a text: how it is read, and in which phones.

    `word2ph[i]` phones belong to character `i` of `norm_text`; None where the language does
    not count by characters. `words` has each word and mark of `norm_text` with the number of its
    phones; empty where the front end does not tell. `dropped` holds what the text had and nobody
    can say (an emoji, a letter of another script), in order and as written.
    """

    norm_text: str
    phones: list[str]
    word2ph: list[int] | None = None
    dropped: list[str] = field(default_factory=list)
    words: list[tuple[str, int]] = field(default_factory=list)


@dataclass(frozen=True)
class Phones:
    """A text with its phones. `len(ids) == len(phones)`; every id is a row of the embedding.

    `unknown` lists what was lost on the way, in order: phones that the symbol table lacks
    (they stand as `UNK` in `phones`) and characters that the front end could not read.
    `words`: each word and mark as it is read, with the number of its phones; where a language has
    no words of its own, each character. Their phones are all phones, or there are no words.
    `parts`: of a text that mixes languages, what was read in each, in order.
    """

    text: str
    norm_text: str
    phones: list[str]
    ids: list[int]
    word2ph: list[int] | None
    unknown: list[str]
    language: str = ""
    words: list[tuple[str, int]] = field(default_factory=list)
    parts: list[Phones] = field(default_factory=list)

    @property
    def is_silent(self) -> bool:
        """Whether nothing of it is heard as speech: marks, and what could not be read."""
        return SOUNDLESS.issuperset(self.phones)


class Polyphones(Protocol):
    """Reads Chinese characters by their sentence. `chinese/g2pw.py` has the one there is."""

    def __call__(self, sentences: Sequence[str]) -> list[list[str | None]]:
        """For each sentence a pinyin a character such as `hang2` (tone 5 is neutral); None where
        it has nothing to say."""
        ...


class FrontEnd(Protocol):
    """One language. Loading is expensive and happens in the constructor; calls are cheap.

    `polyphones` is of use to Chinese only.
    """

    def __call__(
        self,
        text: str,
        *,
        pronunciations: Pronunciations,
        strict_compat: bool,
        polyphones: Polyphones | None = None,
    ) -> SpokenText: ...


# language code: (module, class)
_FRONT_ENDS: dict[str, tuple[str, str]] = {
    "zh": ("ray_pipeline.text.chinese", "ChineseFrontEnd"),
    "en": ("ray_pipeline.text.english", "EnglishFrontEnd"),
    "ko": ("ray_pipeline.text.korean", "KoreanFrontEnd"),
    "yue": ("ray_pipeline.text.cantonese", "CantoneseFrontEnd"),
    "ja": ("ray_pipeline.text.japanese", "JapaneseFrontEnd"),
}
# Where the older symbol table goes with other rules.
_RULES_OF_TABLE: dict[tuple[str, str], dict[str, bool]] = {("zh", "v1"): {"as_v1": True}}


def supported_languages() -> list[str]:
    """The codes that `phonemize_language` takes."""
    return list(_FRONT_ENDS)


def phonemize_language(
    text: str,
    language: str,
    *,
    symbols: str = "v2",
    dictionary: Pronunciations | None = None,
    strict_compat: bool = True,
    polyphones: Polyphones | None = None,
) -> Phones:
    """Read the whole `text` in `language` (zh, en, ja, ko or yue), as symbols of table `symbols`.

    Arguments are those of `phonemize`. Raises InvalidInput for an unknown language, symbol table
    or dictionary phone and for a text with nothing to say; BackendMissing where a language's
    libraries are not installed.
    """
    refuse_half_characters(text)
    table = symbol_table(symbols)
    pronunciations = checked(dictionary or {}, table)
    spoken = _front_end(language, symbols)(
        text,
        pronunciations=pronunciations,
        strict_compat=strict_compat,
        polyphones=polyphones,
    )
    if not spoken.phones:
        raise nothing_to_read(language)
    unknown = [phone for phone in spoken.phones if phone not in table]
    phones = [phone if phone in table else UNKNOWN for phone in spoken.phones]
    return Phones(
        text=text,
        norm_text=spoken.norm_text,
        phones=phones,
        ids=[table[phone] for phone in phones],
        word2ph=spoken.word2ph,
        unknown=unknown + spoken.dropped,
        language=language,
        words=spoken.words or _characters(spoken),
    )


def _characters(spoken: SpokenText) -> list[tuple[str, int]]:
    if spoken.word2ph is None:
        return []
    return list(zip(spoken.norm_text, spoken.word2ph, strict=True))


def refuse_half_characters(text: str) -> None:
    """Raises InvalidInput for a text that is no Unicode, which no library can take."""
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise InvalidInput(
            "The text holds half of a character (a lone surrogate).",
            hint="Send it as UTF-8.",
            field="text",
        )


def nothing_to_read(language: str) -> InvalidInput:
    return InvalidInput(
        "The text has nothing that can be read aloud.",
        hint=f"Give at least one word in the language {language!r}.",
        field="text",
    )


@cache
def _front_end(language: str, symbols: str) -> FrontEnd:
    if language not in _FRONT_ENDS:
        raise InvalidInput(
            f"There is no text front end for the language {language!r}.",
            hint=f"Use one of: {', '.join(_FRONT_ENDS)}.",
            field="language",
        )
    module, name = _FRONT_ENDS[language]
    build: Callable[..., FrontEnd] = getattr(import_module(module), name)
    try:
        return build(**_RULES_OF_TABLE.get((language, symbols), {}))
    except ImportError as error:
        raise BackendMissing(
            f"The text front end for {language!r} needs the package {error.name!r}.",
            hint="Install the project's dependencies again: pip install -e .",
        ) from error
