"""The order of clips for the GPT training, as the original draws it.

Clips are sorted by seconds and cut into buckets; shuffling inside buckets and then of whole
batches keeps clips of similar length together. The draw depends on seed and epoch alone.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from torch.utils.data import Sampler

BUCKET_SECONDS = 2.0


class BucketOrderSampler(Sampler[int]):
    """Yields indices into `seconds` for one replica; the loader batches consecutive ones.

    The order is padded from its own start to a multiple of the replicas, so a few clips may
    be seen by two of them.
    """

    def __init__(
        self,
        seconds: Sequence[float],
        batch_size: int,
        *,
        num_replicas: int = 1,
        rank: int = 0,
        seed: int = 0,
    ) -> None:
        self._buckets = _cut_into_buckets(seconds)
        self._num_clips = len(seconds)
        self._group_size = batch_size * num_replicas
        self._num_replicas = num_replicas
        self._rank = rank
        self._seed = seed
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Epochs count from 0."""
        self._epoch = epoch

    def __len__(self) -> int:
        return math.ceil(self._num_clips / self._num_replicas)

    def __iter__(self) -> Iterator[int]:
        order = self._order()
        total = len(self) * self._num_replicas
        repeats = math.ceil(total / max(len(order), 1))
        padded = (order * repeats)[:total]
        yield from padded[self._rank :: self._num_replicas]

    def _order(self) -> list[int]:
        draw = random.Random(self._seed + self._epoch)
        indices: list[int] = []
        for bucket in self._buckets:
            shuffled = list(bucket)
            draw.shuffle(shuffled)
            indices += shuffled
        groups = [
            indices[start : start + self._group_size]
            for start in range(0, len(indices), self._group_size)
        ]
        draw.shuffle(groups)
        return [index for group in groups for index in group]


def _cut_into_buckets(seconds: Sequence[float]) -> list[list[int]]:
    """Indices by rising length. The bound moves on by 2 s when a bucket closes, whatever the
    clip that closed it lasts, so after a wide gap every clip closes one. The original does so."""
    buckets: list[list[int]] = [[]]
    bound = BUCKET_SECONDS
    for index in sorted(range(len(seconds)), key=seconds.__getitem__):
        if seconds[index] >= bound:
            buckets.append([])
            bound += BUCKET_SECONDS
        buckets[-1].append(index)
    return buckets


class _Batches(Protocol):
    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[list[int]]: ...


class CountedFromZero:
    """`batches` drawn by a sampler whose epochs count from 0, as the original's of this training
    do; here they count from 1."""

    def __init__(self, batches: _Batches, set_epoch: Callable[[int], None]) -> None:
        self._batches = batches
        self._set_epoch = set_epoch

    def set_epoch(self, epoch: int) -> None:
        self._set_epoch(epoch - 1)

    def __len__(self) -> int:
        return len(self._batches)

    def __iter__(self) -> Iterator[list[int]]:
        return iter(self._batches)
