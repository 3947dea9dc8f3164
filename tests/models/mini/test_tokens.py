import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ray_pipeline.models.mini.tokens import (
    EDGE_ID,
    frames_of,
    merged,
    places,
    runs,
    tokens_of,
    whole_frames,
    with_edges,
)


@given(st.lists(st.floats(0, 40), min_size=1, max_size=60), st.integers(0, 200))
def test_each_phone_has_a_frame_and_all_are_shared_out(frames: list[float], more: int) -> None:
    total = len(frames) + more

    whole = whole_frames(np.array(frames), total)

    assert whole.min() >= 1
    assert whole.sum() == total


def test_borders_are_rounded_not_durations() -> None:
    assert whole_frames(np.array([1.4, 1.4, 1.4, 1.4, 1.4])).tolist() == [1, 2, 1, 2, 1]


def test_more_phones_than_frames_are_refused() -> None:
    with pytest.raises(ValueError, match="3 phones do not fit into 2 frames"):
        whole_frames(np.array([1.0, 1.0, 1.0]), 2)


def test_tokens_tell_phones_and_durations() -> None:
    ids, frames = np.array([5, 7, 5]), np.array([2, 1, 3])

    found = runs(tokens_of(ids, frames))

    assert [part.tolist() for part in found] == [[5, 7, 5], [2, 1, 3]]


def test_equal_neighbours_are_one_phone_and_share_their_frames() -> None:
    ids = np.array([5, 7, 7, 9])
    distinct, frames = merged(ids, np.array([1, 2, 4, 1]))

    assert distinct.tolist() == [5, 7, 9]
    assert frames.tolist() == [1, 6, 1]
    assert frames_of(ids, tokens_of(distinct, frames)).tolist() == [1, 3, 3, 1]


def test_tokens_of_another_text_are_noticed() -> None:
    with pytest.raises(ValueError, match="other phones"):
        frames_of(np.array([5, 7]), np.array([5, 5, 8]))


def test_a_sentence_stands_between_silences() -> None:
    assert with_edges([4, 5]).tolist() == [EDGE_ID, 4, 5, EDGE_ID]


def test_places_say_where_in_its_phone_a_frame_lies() -> None:
    index, where = places(np.array([1, 4]))

    assert index.tolist() == [0, 1, 1, 1, 1]
    assert where[:, 0].tolist() == [0.5, 0.125, 0.375, 0.625, 0.875]
