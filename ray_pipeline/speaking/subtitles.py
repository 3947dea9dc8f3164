"""Subtitles of speech, a cue a piece: SubRip (.srt) and WebVTT (.vtt).

cues = Cues()
async for part in engine.speak(order):
    cues.hear(part)
text = cues.as_vtt()
"""

from __future__ import annotations

from dataclasses import dataclass

from ray_pipeline.core.audio_format import SAMPLE_RATE
from ray_pipeline.speaking.order import Part, PieceEnd, Sound


@dataclass(frozen=True)
class Cue:
    """`start` and `end` in seconds from the first sample."""

    start: float
    end: float
    text: str


class Cues:
    """Listens to the parts of one speech in order."""

    def __init__(self) -> None:
        self.cues: list[Cue] = []
        self._samples = 0
        self._piece_began = 0
        self._piece = -1

    def hear(self, part: Part) -> None:
        if isinstance(part, Sound):
            if part.piece != self._piece:
                self._piece, self._piece_began = part.piece, self._samples
            self._samples += len(part.wav)
        elif isinstance(part, PieceEnd) and part.text.strip():
            start = self._piece_began / SAMPLE_RATE
            text = " ".join(part.text.split())
            self.cues.append(Cue(start, start + part.seconds, text))

    def as_srt(self) -> str:
        blocks = (
            f"{number}\n{_clock(cue.start, ',')} --> {_clock(cue.end, ',')}\n{cue.text}\n"
            for number, cue in enumerate(self.cues, 1)
        )
        return "\n".join(blocks)

    def as_vtt(self) -> str:
        blocks = (
            f"{_clock(cue.start, '.')} --> {_clock(cue.end, '.')}\n{_escaped(cue.text)}\n"
            for cue in self.cues
        )
        return "\n".join(["WEBVTT\n", *blocks])


def _clock(seconds: float, point: str) -> str:
    milliseconds = round(seconds * 1000)
    minutes, milliseconds = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    seconds_, milliseconds = divmod(milliseconds, 1000)
    return f"{hours:02d}:{minutes:02d}:{seconds_:02d}{point}{milliseconds:03d}"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
