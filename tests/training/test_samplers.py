import random
from pathlib import Path

import pytest

from ray_pipeline.training.gpt.sampler import BucketOrderSampler
from ray_pipeline.training.share_sampler import ShareBatchSampler
from ray_pipeline.training.sovits.sampler import BucketBatchSampler
from tests import conformance
from tests.conformance.golden_io import Case
from tests.conformance.training_cases import run_samplers

GOLDEN = Path(conformance.__file__).parent / "golden"


def test_both_samplers_draw_what_the_original_draws() -> None:
    case = Case(str(GOLDEN / "samplers.npz"))
    for name, value in run_samplers(case).items():
        case.check(name, value)


def test_sovits_batches_never_mix_buckets_and_leave_out_the_extremes() -> None:
    lengths = [32, 33, 290, 301, 390, 650, 1900, 1901]
    sampler = BucketBatchSampler(lengths, 2)
    assert sampler.left_out == [0, 7]
    bucket_of = {1: 0, 2: 0, 3: 1, 4: 1, 5: 2, 6: 3}
    batches = list(sampler)
    assert len(batches) == len(sampler)
    assert all(len({bucket_of[index] for index in batch}) == 1 for batch in batches)
    assert {index for batch in batches for index in batch} == set(bucket_of)


def test_epochs_are_drawn_differently_and_repeatably() -> None:
    draw = random.Random(0)
    lengths = [draw.randint(40, 600) for _ in range(30)]
    sampler = BucketBatchSampler(lengths, 4)
    sampler.set_epoch(1)
    first = list(sampler)
    sampler.set_epoch(2)
    assert list(sampler) != first
    sampler.set_epoch(1)
    assert list(sampler) == first


@pytest.mark.parametrize("num_replicas", [1, 2, 3])
def test_gpt_order_covers_every_clip(num_replicas: int) -> None:
    seconds = [index / 3 for index in range(20)]
    seen: set[int] = set()
    for rank in range(num_replicas):
        sampler = BucketOrderSampler(seconds, 4, num_replicas=num_replicas, rank=rank)
        order = list(sampler)
        assert len(order) == len(sampler)
        seen |= set(order)
    assert seen == set(range(20))


@pytest.mark.parametrize("num_clips", [2, 3, 7, 27])
def test_shares_are_disjoint_and_complete_in_every_epoch(num_clips: int) -> None:
    lengths = [100 + 7 * index for index in range(num_clips)]
    samplers = [
        ShareBatchSampler(lengths, 2, num_replicas=2, rank=rank, min_batches=5) for rank in (0, 1)
    ]
    seen: list[set[int]] = [set(), set()]
    for epoch in (1, 2):
        for rank, sampler in enumerate(samplers):
            sampler.set_epoch(epoch)
            batches = list(sampler)
            assert len(batches) == len(sampler) == len(samplers[0]) >= 5
            seen[rank] |= {index for batch in batches for index in batch}
        assert seen[0].isdisjoint(seen[1])
        assert seen[0] | seen[1] == set(range(num_clips))
