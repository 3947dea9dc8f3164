"""Batches on the way from the clips' files to a worker's device."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from typing import Any, Generic, Protocol, Self, TypeVar

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ray_pipeline.core.errors import NothingUsable


@dataclass(frozen=True)
class Batch:
    """The clips of a batch; a family adds its tensors as fields."""

    names: list[str]

    def to(self, device: torch.device) -> Self:
        """To a GPU by way of pinned memory, from which it is copied beside what the GPU does."""
        moved: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(self)}
        for name, value in moved.items():
            if isinstance(value, Tensor):
                pinned = value.pin_memory() if device.type == "cuda" else value
                moved[name] = pinned.to(device, non_blocking=True)
        return type(self)(**moved)

    def rows(self, start: int, end: int) -> Self:
        """Some of its clips, padded as before."""
        cut: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(self)}
        for name, value in cut.items():
            if isinstance(value, Tensor | list):
                cut[name] = value[start:end]
        return type(self)(**cut)

    def parts(self, size: int | None) -> list[Self]:
        """The clips in their order, at most `size` a part; None: all in one."""
        count = len(self.names)
        if size is None or size >= count:
            return [self]
        return [self.rows(start, min(start + size, count)) for start in range(0, count, size)]

    def not_finite(self) -> tuple[str, ...]:
        """The clips whose own numbers are none."""
        broken: set[str] = set()
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, Tensor) and value.is_floating_point():
                whole = value.flatten(1).isfinite().all(dim=1).tolist()
                broken.update(n for n, ok in zip(self.names, whole, strict=True) if not ok)
        return tuple(name for name in self.names if name in broken)


class Example(Protocol):
    """What one clip is learned from."""

    @property
    def num_bytes(self) -> int: ...


AnyBatch = TypeVar("AnyBatch", bound=Batch)
AnyExample = TypeVar("AnyExample", bound=Example)


class ExampleCache(Generic[AnyExample]):
    """Examples by the names of their clips, up to `max_bytes`: files are read and spectrograms
    computed once in a run, for the hour or so of speech that there is room for."""

    def __init__(self, max_bytes: int = 2 << 30) -> None:
        self._kept: dict[str, AnyExample] = {}
        self._room_bytes = max_bytes

    def get(self, name: str, load: Callable[[], AnyExample]) -> AnyExample:
        example = self._kept.get(name)
        if example is None:
            example = load()
            if example.num_bytes <= self._room_bytes:
                self._kept[name] = example
                self._room_bytes -= example.num_bytes
        return example


class EpochSampler(Protocol):
    """Batches of one worker as indices of clips; as many on every worker."""

    def set_epoch(self, epoch: int) -> None:
        """Epochs count from 1."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[list[int]]: ...


class WithoutClips:
    """`batches` of clips named `names`, with the next clip in place of each in `set_aside`: so
    an epoch has as many steps as before, and a batch as many clips. Raises NothingUsable if no
    clip is left."""

    def __init__(
        self, batches: EpochSampler, names: Sequence[str], set_aside: Collection[str]
    ) -> None:
        self._batches = batches
        left = [index for index, name in enumerate(names) if name not in set_aside]
        if not left:
            raise NothingUsable(
                "Every clip broke the training and was set aside.",
                hint="Look at the report on the recordings, and upload others.",
            )
        places = (bisect_left(left, index) % len(left) for index in range(len(names)))
        self._stand_ins = [left[place] for place in places]

    def set_epoch(self, epoch: int) -> None:
        self._batches.set_epoch(epoch)

    def __len__(self) -> int:
        return len(self._batches)

    def __iter__(self) -> Iterator[list[int]]:
        for batch in self._batches:
            yield [self._stand_ins[index] for index in batch]


@dataclass(frozen=True)
class TrainingData(Generic[AnyBatch]):
    """`dataset` gives a clip's example by its index, `collate` makes a batch of some."""

    dataset: Dataset[Any]
    sampler: EpochSampler
    collate: Callable[[Sequence[Any]], AnyBatch]

    def batches(self, epoch: int, device: torch.device, skip: int = 0) -> Iterator[AnyBatch]:
        """Those of an epoch, counted from 1, without the first `skip`. They are loaded in this
        process, because one that lives for an epoch takes what it has cached with it; in a thread,
        each while the one before is learned from."""
        self.sampler.set_epoch(epoch)
        loader: DataLoader[Any] = DataLoader(
            self.dataset,
            batch_sampler=list(self.sampler)[skip:],
            collate_fn=self.collate,
        )
        loaded = iter(loader)  # not in the thread: it draws a number, in the order of all others
        yield from _one_ahead((batch.to(device) for batch in loaded), device)


def _one_ahead(batches: Iterator[AnyBatch], device: torch.device) -> Iterator[AnyBatch]:
    """The same. Those who leave early wait for the one that is being loaded."""

    def use_device() -> None:  # each thread has its own: without this, memory of the first GPU
        if device.type == "cuda":
            torch.cuda.set_device(device)

    with ThreadPoolExecutor(1, thread_name_prefix="batches", initializer=use_device) as thread:
        coming = thread.submit(next, batches, None)
        while (batch := coming.result()) is not None:
            coming = thread.submit(next, batches, None)
            yield batch
