"""Batches of clips of similar length for the SoVITS training, as the original draws them.

A clip of L frames belongs to the bucket (lower, upper] that holds L; a batch never mixes
buckets, so little of it is padding. A bucket is topped up with its own clips to a whole
number of batches on every replica. The draw depends on the epoch alone.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence

import torch

# Frames of 640 samples (20 ms): clips of at most 0.64 s or over 38 s are never drawn.
BOUNDARIES_FRAMES = (32, *range(300, 2000, 100))


class BucketBatchSampler:
    """Yields lists of `batch_size` indices into `lengths_frames` for one replica."""

    def __init__(
        self,
        lengths_frames: Sequence[int],
        batch_size: int,
        *,
        num_replicas: int = 1,
        rank: int = 0,
        boundaries: Sequence[int] = BOUNDARIES_FRAMES,
    ) -> None:
        self._batch_size = batch_size
        self._num_replicas = num_replicas
        self._rank = rank
        self._epoch = 1
        self._buckets, self.left_out = _fill_buckets(lengths_frames, boundaries)

    def set_epoch(self, epoch: int) -> None:
        """Epochs count from 1."""
        self._epoch = epoch

    def __len__(self) -> int:
        """Batches of one replica in an epoch; the same on every replica."""
        drawn = sum(self._topped_up_size(bucket) for bucket in self._buckets)
        return drawn // (self._batch_size * self._num_replicas)

    def __iter__(self) -> Iterator[list[int]]:
        generator = torch.Generator().manual_seed(self._epoch)
        orders = [_permutation(len(bucket), generator) for bucket in self._buckets]
        batches = [
            batch
            for bucket, order in zip(self._buckets, orders, strict=True)
            for batch in self._batches_of(bucket, order)
        ]
        for position in _permutation(len(batches), generator):
            yield batches[position]

    def _batches_of(self, bucket: list[int], order: list[int]) -> Iterator[list[int]]:
        repeats = -(-self._topped_up_size(bucket) // len(order))
        drawn = (order * repeats)[: self._topped_up_size(bucket)]
        own = drawn[self._rank :: self._num_replicas]
        for start in range(0, len(own), self._batch_size):
            yield [bucket[position] for position in own[start : start + self._batch_size]]

    def _topped_up_size(self, bucket: list[int]) -> int:
        whole = self._batch_size * self._num_replicas
        return -(-len(bucket) // whole) * whole


def _fill_buckets(
    lengths_frames: Sequence[int], boundaries: Sequence[int]
) -> tuple[list[list[int]], list[int]]:
    """The non-empty buckets, and the indices whose length fits none."""
    buckets: list[list[int]] = [[] for _ in boundaries[1:]]
    left_out = []
    for index, length in enumerate(lengths_frames):
        if boundaries[0] < length <= boundaries[-1]:
            buckets[bisect_left(boundaries, length) - 1].append(index)
        else:
            left_out.append(index)
    return [bucket for bucket in buckets if bucket], left_out


def _permutation(size: int, generator: torch.Generator) -> list[int]:
    return torch.randperm(size, generator=generator).tolist()
