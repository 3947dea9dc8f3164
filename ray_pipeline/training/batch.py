"""Batches on the way from the clips' files to a worker's device."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, Generic, Protocol, Self, TypeVar

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset


@dataclass(frozen=True)
class Batch:
    """The clips of a batch; a family adds its tensors as fields."""

    names: list[str]

    def to(self, device: torch.device) -> Self:
        moved: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(self)}
        for name, value in moved.items():
            if isinstance(value, Tensor):
                moved[name] = value.to(device, non_blocking=True)
        return type(self)(**moved)


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


@dataclass(frozen=True)
class TrainingData(Generic[AnyBatch]):
    """`dataset` gives a clip's example by its index, `collate` makes a batch of some."""

    dataset: Dataset[Any]
    sampler: EpochSampler
    collate: Callable[[Sequence[Any]], AnyBatch]

    def batches(self, epoch: int, device: torch.device) -> Iterator[AnyBatch]:
        """Those of an epoch, counted from 1. They are loaded in this process, because one that
        lives for an epoch takes what it has cached with it."""
        self.sampler.set_epoch(epoch)
        loader: DataLoader[Any] = DataLoader(
            self.dataset,
            batch_sampler=self.sampler,
            collate_fn=self.collate,
        )
        for batch in loader:
            yield batch.to(device)
