"""Batches for a small data set: each worker keeps its own share of the clips.

The original repeats short data sets and tops buckets up, so two of its workers may see the
same clip. Here a clip belongs to one worker for the whole training. Shares are dealt out by
length, so that workers wait little for each other.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence

_BATCHES_SORTED_TOGETHER = 4


class ShareBatchSampler:
    """Yields lists of up to `batch_size` indices into `lengths` for one replica.

    An epoch shows every clip at least once, and has at least `min_batches` batches: clips are
    gone through again where they are too few. All replicas yield the same number of batches.
    """

    def __init__(
        self,
        lengths: Sequence[float],
        batch_size: int,
        *,
        num_replicas: int = 1,
        rank: int = 0,
        seed: int = 0,
        min_batches: int = 1,
    ) -> None:
        self._lengths = lengths
        by_length = sorted(range(len(lengths)), key=lambda index: (lengths[index], index))
        self.share = by_length[rank::num_replicas] or by_length[:1]
        largest_share = math.ceil(len(lengths) / num_replicas)
        self._batch_size = min(batch_size, max(largest_share, 1))
        self._num_batches = max(math.ceil(largest_share / self._batch_size), min_batches)
        self._seed = seed * 1_000 + rank
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        self._epoch = epoch

    def __len__(self) -> int:
        return self._num_batches

    def __iter__(self) -> Iterator[list[int]]:
        draw = random.Random(f"{self._seed}/{self._epoch}")
        order = self._enough_clips(draw)
        pool = self._batch_size * _BATCHES_SORTED_TOGETHER
        batches = []
        for start in range(0, len(order), pool):
            alike = sorted(order[start : start + pool], key=self._lengths.__getitem__)
            batches += [
                alike[at : at + self._batch_size] for at in range(0, len(alike), self._batch_size)
            ]
        draw.shuffle(batches)
        yield from batches

    def _enough_clips(self, draw: random.Random) -> list[int]:
        wanted = self._num_batches * self._batch_size
        order: list[int] = []
        while len(order) < wanted:
            order += draw.sample(self.share, len(self.share))
        return order[:wanted]
