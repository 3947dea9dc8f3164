from __future__ import annotations

import pytest
import torch

from ray_pipeline.models.sovits.segments import random_starts, slice_segments


def test_segments_are_the_wanted_pieces() -> None:
    x = torch.arange(24).reshape(2, 1, 12)
    assert slice_segments(x, torch.tensor([0, 9]), 3).tolist() == [[[0, 1, 2]], [[21, 22, 23]]]


def test_starts_cover_every_place_where_a_segment_fits_and_no_other() -> None:
    generator = torch.Generator().manual_seed(0)
    starts = random_starts(torch.full((2000,), 12), 8, generator)
    assert set(starts.tolist()) == {0, 1, 2, 3, 4}


def test_an_item_shorter_than_the_segment_starts_at_its_beginning() -> None:
    assert random_starts(torch.tensor([3, 8]), 8).tolist() == [0, 0]


def test_starts_repeat_with_the_generators_seed() -> None:
    lengths = torch.full((20,), 500)
    first, second = (random_starts(lengths, 32, torch.Generator().manual_seed(5)) for _ in range(2))
    assert torch.equal(first, second)


def test_too_few_frames_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot cut 8 frames out of 7"):
        slice_segments(torch.zeros(1, 1, 7), torch.zeros(1, dtype=torch.long), 8)
