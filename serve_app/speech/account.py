"""What is known of a speech when it has ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ray_pipeline.core.audio_format import SAMPLE_RATE
from ray_pipeline.speaking.order import Finished, Part, PieceEnd, Sound, Started
from serve_app.speech.choosing import Chosen

# Of a piece, where the request wanted it recognised.
_FACTS = ("verified", "heard")


@dataclass
class Account:
    """What is known of a speech when it has ended; fills up as its parts pass by."""

    left_out: list[str] = field(default_factory=list)
    ends: list[PieceEnd] = field(default_factory=list)
    starts: list[float] = field(default_factory=list)
    finished: Finished | None = None
    _samples: int = 0
    _next_start: float | None = None

    def hear(self, part: Part) -> None:
        if isinstance(part, Started):
            self.left_out = self.left_out + part.left_out
        elif isinstance(part, Sound):
            if self._next_start is None:
                self._next_start = self._samples / SAMPLE_RATE
            self._samples += len(part.wav)
        elif isinstance(part, PieceEnd):
            self.ends.append(part)
            self.starts.append(self._next_start or 0.0)
            self._next_start = None
        elif isinstance(part, Finished):
            self.finished = part

    def facts(self, chosen: Chosen) -> dict[str, Any]:
        assert self.finished is not None
        return {
            "voice": chosen.spoken_name,
            "seed": chosen.order.settings.seed,
            "seconds": round(self.finished.seconds, 3),
            "pieces": [
                {
                    "text": end.text,
                    "start": round(start, 3),
                    "end": round(start + end.seconds, 3),
                    "seconds": round(end.seconds, 3),
                    "attempts": end.attempts,
                    "problem": end.problem,
                    "words": _words_at(start, end),
                    **{name: end.facts[name] for name in _FACTS if name in end.facts},
                }
                for start, end in zip(self.starts, self.ends, strict=True)
            ],
            "attempts": sum(end.attempts for end in self.ends),
            "problems": [end.problem for end in self.ends if end.problem],
            "left_out": self.left_out,
            "digest": self.finished.digest,
            "watermark": all(end.facts.get("watermark", False) for end in self.ends),
            "warnings": list(chosen.remarks),
        }

    def usage(self, text: str) -> dict[str, int]:
        """As OpenAI counts: of the text characters here, of the speech semantic tokens."""
        said = sum(end.num_tokens for end in self.ends)
        return {"input_tokens": len(text), "output_tokens": said, "total_tokens": len(text) + said}


def _words_at(start: float, end: PieceEnd) -> list[dict[str, Any]]:
    """The words of a piece that begins at `start`, with their times in seconds of the whole."""
    return [
        {
            "word": word["word"],
            "start": round(start + word["start"], 3),
            "end": round(start + word["end"], 3),
        }
        for word in end.facts.get("words", ())
    ]
