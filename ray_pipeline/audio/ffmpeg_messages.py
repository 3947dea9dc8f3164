"""What ffmpeg says of a file while it decodes it, as facts.

Its description of the input looks so (and of the output, after `Stream mapping`, likewise):

    Duration: 00:01:40.04, start: 0.000000, bitrate: 1411 kb/s
    Stream #0:1[0x2](jpn): Audio: aac (LC), 44100 Hz, stereo, fltp, 69 kb/s (default)
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_DURATION = re.compile(r"Duration: (\d+):(\d+):([\d.]+)")
_SOUND = re.compile(
    r"Stream #0:\d+(?:\[\w+\])?(?:\((?P<language>\w+)\))?: Audio: (?P<codec>\w+)(?P<rest>.*)"
)
_RATE = re.compile(r", (\d+) Hz")
_FILM = re.compile(r"Stream #0:\d+.*: Video: (?!.*\(attached pic\))")
_OUTPUT = re.compile(r"Stream mapping:|Output #0")
_ERROR = re.compile(r"Invalid data|[Ee]rror (submitting|while decoding)|[Tt]runcat|[Cc]orrupt")


@dataclass(frozen=True)
class SoundTrack:
    """One of a file's sound tracks; `number` counts them from 1. `rate` in Hz and `language`, a
    code of three letters, are None where the file does not say."""

    number: int
    codec: str
    rate: int | None
    language: str | None
    is_default: bool


def declared_seconds(messages: Iterable[str]) -> float | None:
    """How long the file says it is, with all its tracks."""
    for line in messages:
        if stated := _DURATION.search(line):
            return int(stated[1]) * 3600 + int(stated[2]) * 60 + float(stated[3])
    return None


def sound_tracks(messages: Iterable[str]) -> list[SoundTrack]:
    """The sound tracks of the input, in the file's order."""
    tracks: list[SoundTrack] = []
    for line in messages:
        if _OUTPUT.search(line):
            break
        if stream := _SOUND.search(line):
            rate = _RATE.search(stream["rest"])
            language = stream["language"]
            tracks.append(
                SoundTrack(
                    number=len(tracks) + 1,
                    codec=stream["codec"],
                    rate=int(rate[1]) if rate else None,
                    language=None if language == "und" else language,
                    is_default="(default)" in stream["rest"],
                )
            )
    return tracks


def has_film(messages: Iterable[str]) -> bool:
    """Whether moving pictures come with the sound; a cover is none."""
    return any(_FILM.search(line) for line in messages)


def num_errors(messages: Iterable[str]) -> int:
    """How many times ffmpeg complained of bad data."""
    return sum(bool(_ERROR.search(line)) for line in messages)
