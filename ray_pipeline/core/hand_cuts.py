"""Cuts that a person made: how a recording is cut into clips instead of at its pauses.

A clip's name says where it lies, so a recording's clips follow from its ranges alone. The slicer
takes the ranges of a recording that has some, and keeps all others as it would cut them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ray_pipeline.core.audio_format import SAMPLE_RATE
from ray_pipeline.core.errors import InvalidInput

SHORTEST_SECONDS = 0.1

Range = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class HandCuts:
    """`ranges` are (start, end) of the clips in samples at 32 kHz, in order. They were made for
    the converted recording with this SHA-256, and mean nothing in another."""

    recording: str
    sha256: str
    ranges: tuple[Range, ...]

    @property
    def clips(self) -> list[str]:
        return [clip_name(self.recording, *span) for span in self.ranges]


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A clip that takes the place of others. Seconds count from the beginning of the first of
    them; None is where the first begins, or the last ends. `text` is what is said in it: None
    keeps what the others say if there is only this piece, "" has it heard anew."""

    start: float | None = None
    end: float | None = None
    text: str | None = None


def clip_name(recording: str, start: int, end: int) -> str:
    """As the original names slices: ten digits of samples at 32 kHz."""
    return f"{recording}_{start:010d}_{end:010d}.wav"


def recording_of(clip: str) -> str:
    """The recording that a clip was cut from; "" for what is no name of a clip."""
    parts = clip.removesuffix(".wav").rsplit("_", 2)
    is_name = len(parts) == 3 and all(part.isdecimal() for part in parts[1:])
    return parts[0] if is_name and clip.endswith(".wav") else ""


def cut_anew(
    ranges: Sequence[Range], replaced: Sequence[Range], pieces: Sequence[Piece], num_samples: int
) -> tuple[list[Range], list[Range]]:
    """Put `pieces` where `replaced` are, which have to be neighbours among the `ranges` of a
    recording of `num_samples`.

    Returns all ranges as they are then, and those of the pieces. Raises InvalidInput for pieces
    that lie over each other, over clips beside them, or outside of the recording.
    """
    first = ranges.index(replaced[0])
    after = first + len(replaced)
    if list(ranges[first:after]) != list(replaced):
        raise InvalidInput(
            "These clips are not neighbours.",
            hint="Name clips of one recording that follow each other, in their order.",
            field="clips",
        )
    begin, finish = replaced[0][0], replaced[-1][1]
    least = ranges[first - 1][1] if first else 0
    most = ranges[after][0] if after < len(ranges) else max(num_samples, finish)
    made: list[Range] = []
    for number, piece in enumerate(pieces):
        start = begin if piece.start is None else begin + round(piece.start * SAMPLE_RATE)
        end = finish if piece.end is None else begin + round(piece.end * SAMPLE_RATE)
        _require_room(number, (start, end), (made[-1][1] if made else least, most), begin)
        made.append((start, end))
    return [*ranges[:first], *made, *ranges[after:]], made


def _require_room(number: int, piece: Range, room: Range, begin: int) -> None:
    start, end = piece
    if start < room[0] or end > room[1]:
        low, high = ((edge - begin) / SAMPLE_RATE for edge in room)
        raise InvalidInput(
            f"Piece {number + 1} leaves the room between the clips beside it.",
            hint=f"It has to lie between {low:.3f} and {high:.3f} s, counted from the beginning of "
            "the first clip named.",
            field="pieces",
        )
    if end - start < SHORTEST_SECONDS * SAMPLE_RATE:
        raise InvalidInput(
            f"Piece {number + 1} lasts {(end - start) / SAMPLE_RATE:.3f} s.",
            hint=f"A clip lasts {SHORTEST_SECONDS:g} s at least; pieces follow each other in time.",
            field="pieces",
        )
