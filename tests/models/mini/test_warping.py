import itertools

import numpy as np
import pytest

from ray_pipeline.models.mini.warping import warp

STEPS = {(1, 1): 0.0, (1, 2): 0.0, (2, 1): 0.0, (1, 0): 2.0, (0, 1): 2.0}


def cheapest(distances: np.ndarray) -> float:
    """By the definition, one cell after the other."""
    rows, columns = distances.shape
    best = np.full((rows, columns), np.inf)
    best[0, 0] = distances[0, 0]
    for row, column in itertools.product(range(rows), range(columns)):
        for (down, right), cost in STEPS.items():
            if row >= down and column >= right:
                before = best[row - down, column - right] + cost
                best[row, column] = min(best[row, column], before + distances[row, column])
    return float(best[-1, -1])


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (6, 2), (9, 7)])
def test_the_path_is_the_cheapest_by_the_definition(shape: tuple[int, int]) -> None:
    distances = np.random.default_rng(0).uniform(0, 5, shape)

    path, mean = warp(distances)

    steps = [tuple(step) for step in np.diff(path, axis=0)]
    total = distances[tuple(path.T)].sum() + sum(STEPS[step] for step in steps)
    assert total == pytest.approx(cheapest(distances))
    assert mean == pytest.approx(total / len(path))
    assert path[0].tolist() == [0, 0]
    assert (path[-1] == np.array(shape) - 1).all()


def test_a_sequence_at_half_the_tempo_is_followed() -> None:
    sequence = np.random.default_rng(1).normal(size=(20, 4))
    slow = np.repeat(sequence, 2, axis=0)
    distances = np.linalg.norm(sequence[:, None] - slow[None], axis=-1)

    path, _ = warp(distances)

    assert np.abs(path[:, 0] - path[:, 1] / 2).max() <= 1
