"""Batches are loaded ahead, in the order in which they are learned."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from threading import Event

import pytest
import torch
from torch import Tensor
from torch.utils.data import Dataset

from ray_pipeline.core.errors import StepFailed
from ray_pipeline.training.batch import Batch, TrainingData

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Numbers(Batch):
    numbers: Tensor


class Clips(Dataset[int]):
    """`load` is called with the number of a clip before it is there."""

    def __init__(self, load: Callable[[int], object]) -> None:
        self._load = load

    def __getitem__(self, index: int) -> int:
        self._load(index)
        return index


class InOrder:
    """Four batches of one clip."""

    def set_epoch(self, epoch: int) -> None:
        pass

    def __len__(self) -> int:
        return 4

    def __iter__(self) -> Iterator[list[int]]:
        return iter([[0], [1], [2], [3]])


def _data(load: Callable[[int], object]) -> TrainingData[Numbers]:
    def collate(numbers: Sequence[int]) -> Numbers:
        return Numbers([f"clip{number}" for number in numbers], torch.tensor(numbers))

    return TrainingData(Clips(load), InOrder(), collate)


def test_a_batch_is_loaded_while_the_one_before_is_learned_from() -> None:
    loading = [Event() for _ in range(4)]
    batches = _data(lambda number: loading[number].set()).batches(1, CPU)
    for number in range(4):
        assert next(batches).numbers.tolist() == [number]
        if number < 3:
            assert loading[number + 1].wait(10)
    assert list(batches) == []


def test_no_more_than_one_is_loaded_ahead() -> None:
    loaded: list[int] = []
    batches = _data(loaded.append).batches(1, CPU)
    next(batches)
    batches.close()  # type: ignore[attr-defined]  # waits for the thread
    assert loaded == [0, 1]


def test_a_clip_that_cannot_be_loaded_ends_the_epoch_where_it_would_be_learned() -> None:
    def load(number: int) -> None:
        if number == 2:
            raise StepFailed("clip2 cannot be read", hint="")

    batches = _data(load).batches(1, CPU)
    assert [next(batches).names for _ in range(2)] == [["clip0"], ["clip1"]]
    with pytest.raises(StepFailed, match="clip2"):
        next(batches)


def test_loading_ahead_draws_nothing_between_the_numbers_of_a_step() -> None:
    torch.manual_seed(1)
    drawn = [torch.rand(1) for _ in _data(lambda _: None).batches(1, CPU)]
    torch.manual_seed(1)
    iter(torch.utils.data.DataLoader(torch.zeros(1)))  # draws one when it starts
    assert drawn == [torch.rand(1) for _ in range(4)]
