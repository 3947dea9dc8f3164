"""Dynamic time warping (Sakoe & Chiba 1978) of two sequences, R and T frames long.

librosa has it too, but there numba compiles it for ten seconds in each fresh installation; in
numpy, a diagonal at a time, a sentence takes some hundredths of a second.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Costs = NDArray[np.float64]

# Steps in R and T, and what each adds to the distances of the frames it leads to: waiting in one
# sequence costs, so that it happens only where the tempo differs by more than twice.
_STEPS = ((1, 1), (1, 2), (2, 1), (1, 0), (0, 1))
_COSTS = (0.0, 0.0, 0.0, 2.0, 2.0)


def warp(distances: Costs) -> tuple[NDArray[np.int64], float]:
    """Distances [R, T] to the cheapest path from corner to corner, pairs of frames [P, 2], and
    its mean cost a step."""
    best, came_by = _fill(distances)
    place = np.array(distances.shape) - 1
    path = [place]
    while place.any():
        place = place - _STEPS[came_by[tuple(place)]]
        path.append(place)
    return np.array(path[::-1]), float(best[-1, -1] / len(path))


def _fill(distances: Costs) -> tuple[Costs, NDArray[np.int8]]:
    rows, columns = distances.shape
    # Two frames of infinite cost on either side spare every question about the border.
    best = np.full((rows + 2, columns + 2), np.inf)
    best[2, 2] = distances[0, 0]
    came_by = np.zeros((rows, columns), dtype=np.int8)
    for diagonal in range(1, rows + columns - 1):
        row = np.arange(max(0, diagonal - columns + 1), min(rows, diagonal + 1))
        column = diagonal - row
        options = np.stack(
            [
                best[row + 2 - down, column + 2 - right] + cost
                for (down, right), cost in zip(_STEPS, _COSTS, strict=True)
            ]
        )
        chosen = options.argmin(axis=0)
        came_by[row, column] = chosen
        best[row + 2, column + 2] = options[chosen, np.arange(len(row))] + distances[row, column]
    return best[2:, 2:], came_by
