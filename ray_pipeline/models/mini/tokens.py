"""Between phones with durations and tokens, one a frame of 20 ms.

    phones     SP  HH  AY1  .  SP
    frames      3   4    7  5   4
    tokens     SP SP SP HH HH HH HH AY1 AY1 ...

Every sentence stands between two silences (`EDGE`), and each phone has one frame at least, so
that it can be told from the tokens alone which phones they are. Only of two equal phones side by
side the border is lost: they are one phone of their common length to all networks.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ray_pipeline.text.symbols import symbol_table

Ids = NDArray[np.int64]

EDGE = "SP"
EDGE_ID = symbol_table("v2")[EDGE]


def with_edges(ids: Sequence[int]) -> Ids:
    """Phones [L] to [L + 2], between two silences."""
    return np.array([EDGE_ID, *ids, EDGE_ID], dtype=np.int64)


def whole_frames(frames: NDArray[np.floating], total: int | None = None) -> Ids:
    """Durations [L] in frames, fractions among them, to whole ones that sum up to `total` (the
    rounded sum where it is None). Each is at least 1, and the borders between the phones move
    no further than that needs. Raises ValueError where `total` is less than L."""
    ends = np.cumsum(np.maximum(np.asarray(frames, dtype=np.float64), 0.0))
    length = len(ends)
    if total is None:
        total = max(round(float(ends[-1])), length)
    if total < length:
        raise ValueError(f"{length} phones do not fit into {total} frames")
    number = np.arange(1, length + 1)
    borders = np.rint(ends).astype(np.int64)
    borders = np.maximum.accumulate(borders - number) + number  # each a frame after the last
    borders = np.maximum(borders, number)
    borders = np.minimum(borders, total - (length - number))
    borders[-1] = total
    return np.diff(borders, prepend=0)


def tokens_of(ids: Ids, frames: Ids) -> Ids:
    """Phones [L] and their frames [L] to tokens [sum of frames]."""
    return np.repeat(ids, frames)


def runs(tokens: Ids) -> tuple[Ids, Ids]:
    """Tokens [T] to phones [L] and frames [L]: equal neighbours are one phone."""
    starts = np.flatnonzero(np.diff(tokens, prepend=-1))
    return tokens[starts], np.diff(starts, append=len(tokens))


def merged(ids: Ids, frames: NDArray[np.floating]) -> tuple[Ids, NDArray[np.floating]]:
    """Phones [L] with equal neighbours made one, and their summed frames."""
    starts = np.flatnonzero(np.diff(ids, prepend=-1))
    return ids[starts], np.add.reduceat(frames, starts)


def frames_of(ids: Ids, tokens: Ids) -> NDArray[np.float64]:
    """How many frames each of the phones [L] has among the tokens [T]; equal neighbours share
    theirs. Raises ValueError when the tokens are not those of the phones."""
    distinct, lengths = runs(tokens)
    starts = np.flatnonzero(np.diff(ids, prepend=-1))
    if not np.array_equal(ids[starts], distinct):
        raise ValueError("the tokens belong to other phones")
    shared = np.diff(starts, append=len(ids))
    return np.repeat(lengths / shared, shared)


def places(frames: Ids) -> tuple[Ids, NDArray[np.float32]]:
    """For each token: the index of its phone [T], and where in it the middle of the frame lies
    [T, 3]: the part of the phone that is over, its log length, the seconds since it began."""
    index = np.repeat(np.arange(len(frames)), frames)
    starts = np.cumsum(frames) - frames
    since = np.arange(len(index)) - starts[index] + 0.5
    length = frames[index]
    where = np.stack([since / length, np.log(length) - 1.5, since / 50], axis=-1)
    return index, where.astype(np.float32)
