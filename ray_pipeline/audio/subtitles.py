"""Times of what is said as subtitles: SubRip (.srt) and WebVTT (.vtt)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

SUBTITLE_FORMATS = {"srt": "application/x-subrip", "vtt": "text/vtt"}


@dataclass(frozen=True)
class Cue:
    """What is shown from `start` to `end`, in seconds from the beginning of the sound."""

    text: str
    start: float
    end: float


def cues_of(pieces: Iterable[dict[str, Any]]) -> list[Cue]:
    """A cue for each piece that has a text; `start` and `end` are its own."""
    cues = [Cue(piece["text"].strip(), piece["start"], piece["end"]) for piece in pieces]
    return [cue for cue in cues if cue.text]


def subtitles(cues: Iterable[Cue], kind: str) -> str:
    """`kind` is one of `SUBTITLE_FORMATS`."""
    if kind == "srt":
        return "\n".join(
            f"{number}\n{_time(cue.start, ',')} --> {_time(cue.end, ',')}\n{cue.text}\n"
            for number, cue in enumerate(cues, 1)
        )
    blocks = [
        f"{_time(cue.start, '.')} --> {_time(cue.end, '.')}\n{_escaped(cue.text)}\n" for cue in cues
    ]
    return "\n".join(["WEBVTT\n", *blocks])


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _time(seconds: float, mark: str) -> str:
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest // 1000:02d}{mark}{rest % 1000:03d}"
