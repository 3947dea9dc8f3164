"""Texts with directions for the speaker: the part of SSML (W3C, 1.1) that such a voice can follow.

    <speak>Wait. <break time="700ms"/> <lang xml:lang="zh">你好</lang>,
    <phoneme ph="T AH0 M EY1 T OW0">tomato</phoneme>. [voice: anna] My turn.</speak>

speak, p, s     hold text; p and s end a sentence
break           a pause: time="700ms" or "1.5s", or strength="none … x-strong"
lang            xml:lang: the language of what is inside
phoneme         ph: phones of the symbol table, as `gsv text` shows them
sub             alias: what is said instead
voice           name: another voice; [voice: name] in the text changes it from there on
prosody         rate="slow" or "120%"
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from xml.etree import ElementTree

from ray_pipeline.core.errors import InvalidInput
from ray_pipeline.core.languages import language_code

MAX_BREAK_SECONDS = 10.0

_STRENGTHS = {
    "none": 0.0,
    "x-weak": 0.1,
    "weak": 0.2,
    "medium": 0.4,
    "strong": 0.8,
    "x-strong": 1.2,
}
_RATES = {"x-slow": 0.6, "slow": 0.8, "medium": 1.0, "default": 1.0, "fast": 1.25, "x-fast": 1.6}
_SLOWEST, _FASTEST = 0.5, 2.0
_TAGS = ("speak", "p", "s", "break", "lang", "phoneme", "sub", "voice", "prosody")
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_VOICE_MARK = re.compile(r"\[voice:\s*([^\]\s]+)\s*\]")
_SENTENCE_END = re.compile(r"[.!?。！？…]\W*$")


@dataclass(frozen=True)
class Span:
    """Text that is said in one manner. `language` and `voice` are None where the request
    decides; `speed` multiplies the request's; `dictionary` are words with their phones."""

    text: str
    language: str | None = None
    voice: str | None = None
    speed: float = 1.0
    dictionary: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Break:
    seconds: float


def is_marked_up(text: str) -> bool:
    """Whether a text says by itself that it holds directions: it begins with <speak>."""
    return re.match(r"\s*<speak\b", text) is not None


def parse_markup(text: str) -> list[Span | Break]:
    """The text in order, neighbours in the same manner joined, blank ones left out.

    Raises InvalidInput, which says where, for what is not well-formed, for an element that is not
    known and for a value that cannot be followed.
    """
    parts: list[Span | Break] = []
    for part in _Walk().spans(_tree(text)):
        last = parts[-1] if parts else None
        if isinstance(part, Span) and isinstance(last, Span) and _same_manner(last, part):
            words = last.dictionary | part.dictionary
            parts[-1] = replace(last, text=last.text + part.text, dictionary=words)
        else:
            parts.append(part)
    return [part for part in parts if isinstance(part, Break) or part.text.strip()]


def _same_manner(one: Span, other: Span) -> bool:
    manner = one.language, one.voice, one.speed
    clash = any(
        other.dictionary.get(word, phones) != phones for word, phones in one.dictionary.items()
    )
    return manner == (other.language, other.voice, other.speed) and not clash


def _tree(text: str) -> ElementTree.Element:
    wrapped = text if is_marked_up(text) else f"<speak>{text}</speak>"
    if "<!" in wrapped:  # no document types, so no entities of their own
        raise _refused("It holds a declaration (<!…>).", "Leave declarations and comments out.")
    try:
        return ElementTree.fromstring(wrapped)
    except ElementTree.ParseError as error:
        line, column = error.position
        raise _refused(
            f"It is not well-formed in line {line}, column {column}.",
            "Close every element, and write &lt; for < and &amp; for &.",
        ) from None


class _Walk:
    """Goes through the elements; remembers the voice that a mark in the text chose."""

    def __init__(self) -> None:
        self._marked_voice: str | None = None

    def spans(
        self, element: ElementTree.Element, manner: Span | None = None
    ) -> Iterator[Span | Break]:
        tag = element.tag.rpartition("}")[2]
        if tag not in _TAGS:
            raise _refused(f"There is no element <{tag}> here.", f"Known are {', '.join(_TAGS)}.")
        manner = manner or Span("")
        if tag == "break":
            yield Break(_break_seconds(element))
            return
        inside = _manner(tag, element, manner)
        if tag == "sub":
            yield replace(inside, text=_needed(element, "alias"))
            return
        if tag == "phoneme":
            word = "".join(element.itertext()).strip()
            phones = _needed(element, "ph").split()
            yield replace(inside, text=word, dictionary={word: phones} if word else {})
            return
        said = ""
        for part in self._inside(element, inside):
            said = part.text if isinstance(part, Span) and part.text.strip() else said
            yield part
        if tag in ("p", "s") and said and not _SENTENCE_END.search(said):
            yield replace(inside, text=". ")

    def _inside(self, element: ElementTree.Element, manner: Span) -> Iterator[Span | Break]:
        yield from self._text(element.text or "", manner)
        for child in element:
            yield from self.spans(child, manner)
            yield from self._text(child.tail or "", manner)

    def _text(self, text: str, manner: Span) -> Iterator[Span]:
        pieces = _VOICE_MARK.split(text)
        for number, piece in enumerate(pieces):
            if number % 2:
                self._marked_voice = piece
            elif piece:
                yield replace(manner, text=piece, voice=manner.voice or self._marked_voice)


def _manner(tag: str, element: ElementTree.Element, around: Span) -> Span:
    if tag == "lang":
        return replace(around, language=language_code(_needed(element, _XML_LANG, "xml:lang")))
    if tag == "voice":
        return replace(around, voice=_needed(element, "name"))
    if tag == "prosody":
        return replace(around, speed=around.speed * _rate(_needed(element, "rate")))
    return around


def _needed(element: ElementTree.Element, attribute: str, called: str = "") -> str:
    value = element.get(attribute, "").strip()
    if not value:
        name, tag = called or attribute, element.tag.rpartition("}")[2]
        raise _refused(f"<{tag}> lacks {name}.", f'Write <{tag} {name}="…">.')
    return value


def _rate(value: str) -> float:
    percent = re.fullmatch(r"(\d+(?:\.\d+)?)%", value)
    rate = float(percent[1]) / 100 if percent else _RATES.get(value, 0.0)
    if not _SLOWEST <= rate <= _FASTEST:
        raise _refused(
            f"The rate {value!r} cannot be spoken.",
            f"Use 50% to 200%, or one of {', '.join(_RATES)}.",
        )
    return rate


def _break_seconds(element: ElementTree.Element) -> float:
    strength, time = element.get("strength", "medium"), element.get("time", "")
    if not time:
        if strength not in _STRENGTHS:
            raise _refused(
                f"There is no break of the strength {strength!r}.",
                f"Use one of {', '.join(_STRENGTHS)}.",
            )
        return _STRENGTHS[strength]
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s)", time.strip())
    seconds = float(match[1]) / (1000 if match[2] == "ms" else 1) if match else -1.0
    if not 0 <= seconds <= MAX_BREAK_SECONDS:
        raise _refused(
            f"A break of {time!r} cannot be made.",
            f'Write time="700ms" or time="1.5s", {MAX_BREAK_SECONDS:g} s at most.',
        )
    return seconds


def _refused(sentence: str, hint: str) -> InvalidInput:
    return InvalidInput(
        f"The marked-up text cannot be followed. {sentence}", hint=hint, field="input"
    )
