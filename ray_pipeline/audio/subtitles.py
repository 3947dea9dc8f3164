"""Times of what is said as subtitles: SubRip (.srt) and WebVTT (.vtt)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

# Two lines of what a player shows; longer pieces are shared out where words have times.
_LONGEST = 84
SUBTITLE_FORMATS = {"srt": "application/x-subrip", "vtt": "text/vtt"}


@dataclass(frozen=True)
class Word:
    """Seconds from the beginning of the sound."""

    text: str
    start: float
    end: float


@dataclass(frozen=True)
class Cue:
    """What is shown from `start` to `end`, in seconds; `words` where each has its own time."""

    text: str
    start: float
    end: float
    words: Sequence[Word] = field(default_factory=tuple)


def cues_of(pieces: Iterable[dict[str, Any]]) -> list[Cue]:
    """Of pieces with text, start, end and perhaps words: a cue each, or several of one that is
    long. Without words the times are those of the piece, pauses inside of it included."""
    cues: list[Cue] = []
    for piece in pieces:
        words = [Word(**word) for word in piece.get("words", [])]
        whole = Cue(piece["text"].strip(), piece["start"], piece["end"], words)
        cues += _shared_out(whole) if len(whole.text) > _LONGEST and words else [whole]
    return [cue for cue in cues if cue.text]


def subtitles(cues: Iterable[Cue], kind: str) -> str:
    """`kind` is one of `SUBTITLE_FORMATS`."""
    if kind == "srt":
        blocks = [
            f"{number}\n{_time(cue.start, ',')} --> {_time(cue.end, ',')}\n{cue.text}\n"
            for number, cue in enumerate(cues, 1)
        ]
        return "\n".join(blocks)
    blocks = [
        f"{_time(cue.start, '.')} --> {_time(cue.end, '.')}\n{_marked(cue)}\n" for cue in cues
    ]
    return "\n".join(["WEBVTT\n", *blocks])


def _marked(cue: Cue) -> str:
    """The text with the time of each word before it, as WebVTT has them for karaoke."""
    if not cue.words:
        return _escaped(cue.text)
    text, at = "", 0
    for word in cue.words:
        place = cue.text.find(word.text, at)
        if place < 0:
            return _escaped(cue.text)
        text += _escaped(cue.text[at:place])
        if cue.start < word.start < cue.end:
            text += f"<{_time(word.start, '.')}>"
        text += _escaped(word.text)
        at = place + len(word.text)
    return text + _escaped(cue.text[at:])


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _time(seconds: float, mark: str) -> str:
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest // 1000:02d}{mark}{rest % 1000:03d}"


def _shared_out(cue: Cue) -> list[Cue]:
    """A long cue as several, each of whole words with the marks behind them."""
    starts: list[int] = []
    at = 0
    for word in cue.words:
        place = cue.text.find(word.text, at)
        if place < 0:
            return [cue]
        starts.append(place)
        at = place + len(word.text)
    parts: list[list[int]] = [[]]
    for number in range(len(starts)):
        first = parts[-1][0] if parts[-1] else number
        end = starts[number + 1] if number + 1 < len(starts) else len(cue.text)
        if parts[-1] and end - starts[first] > _LONGEST:
            parts.append([])
        parts[-1].append(number)
    shared = []
    for place, numbers in enumerate(parts):
        is_first, is_last = place == 0, place + 1 == len(parts)
        begin = 0 if is_first else starts[numbers[0]]
        end = len(cue.text) if is_last else starts[parts[place + 1][0]]
        words = [cue.words[number] for number in numbers]
        shared.append(
            Cue(
                cue.text[begin:end].strip(),
                cue.start if is_first else words[0].start,
                cue.end if is_last else words[-1].end,
                words,
            )
        )
    return shared
