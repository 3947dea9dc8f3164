"""The keys and values of sentences that come and go.

    SeparateRows  each has its own memory and looks at its own columns: no work for the longest of
                  them, no trace of the others; what a CPU is best at
    SlotRows      all lie side by side and are looked at in one call, the empty columns hidden: what
                  a GPU is best at

Both take memory in blocks of columns, as the sentences become longer.
B = rows that are given, S = columns, H = heads, K = width of a head.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from ray_pipeline.models.gpt.model import Text2Semantic

# Five seconds of speech, and a multiple of 16, so that the attention on a GPU takes the mask as
# it is.
BLOCK = 128


class RowStore(Protocol):
    @property
    def num_bytes(self) -> int: ...

    def open(self, row: int, length: int) -> None:
        """Make room for a prefix of `length` columns, all of which `fill` writes."""
        ...

    def fill(self, row: int, layer: int, keys: Tensor, values: Tensor) -> None:
        """The prefix, each [H, length, K]."""
        ...

    def begin_column(self, rows: Sequence[int]) -> None:
        """The rows that the next calls of `attend` are about get a column more."""
        ...

    def attend(self, layer: int, rows: Sequence[int], packed: Tensor) -> Tensor:
        """Keep the keys and values of a new column and look at all of the row's: [3, B, H, 1, K]
        to [B, H, 1, K]."""
        ...

    def close(self, row: int) -> None: ...


def make_store(model: Text2Semantic, num_rows: int) -> RowStore:
    """What suits the model's device."""
    on_cpu = model.bert_proj.weight.device.type == "cpu"
    return SeparateRows(model) if on_cpu else SlotRows(model, num_rows)


def _blocks(columns: int) -> int:
    return -(-columns // BLOCK) * BLOCK


class SeparateRows:
    """For each row [layers, 2, H, S, K]."""

    def __init__(self, model: Text2Semantic) -> None:
        config = model.config
        self._like = model.bert_proj.weight
        self._shape = config.num_layers, 2, config.num_heads
        self._head = config.width // config.num_heads
        self._kept: dict[int, Tensor] = {}
        self._lengths: dict[int, int] = {}

    @property
    def num_bytes(self) -> int:
        return sum(kept.nbytes for kept in self._kept.values())

    def open(self, row: int, length: int) -> None:
        self._kept[row] = self._empty(length)
        self._lengths[row] = length

    def fill(self, row: int, layer: int, keys: Tensor, values: Tensor) -> None:
        kept = self._kept[row][layer, :, :, : self._lengths[row]]
        kept[0], kept[1] = keys, values

    def begin_column(self, rows: Sequence[int]) -> None:
        for row in rows:
            length, kept = self._lengths[row] + 1, self._kept[row]
            self._lengths[row] = length
            if length > kept.shape[3]:
                larger = self._empty(length)
                larger[:, :, :, : kept.shape[3]] = kept
                self._kept[row] = larger

    def attend(self, layer: int, rows: Sequence[int], packed: Tensor) -> Tensor:
        queries = packed[0]
        mixed = torch.empty_like(queries)
        for place, row in enumerate(rows):
            length, kept = self._lengths[row], self._kept[row][layer]
            kept[:, :, length - 1] = packed[1:, place, :, 0]
            mixed[place] = F.scaled_dot_product_attention(
                queries[place : place + 1], kept[None, 0, :, :length], kept[None, 1, :, :length]
            )[0]
        return mixed

    def close(self, row: int) -> None:
        del self._kept[row], self._lengths[row]

    def _empty(self, columns: int) -> Tensor:
        return self._like.new_empty((*self._shape, _blocks(columns), self._head))


class SlotRows:
    """For each layer [2, rows, H, S, K]."""

    def __init__(self, model: Text2Semantic, num_rows: int) -> None:
        config = model.config
        self._like = model.bert_proj.weight
        self._num_rows, self._heads = num_rows, config.num_heads
        self._head = config.width // config.num_heads
        self._layers = [self._empty(BLOCK) for _ in range(config.num_layers)]
        self._lengths: dict[int, int] = {}

    @property
    def num_bytes(self) -> int:
        return sum(kept.nbytes for kept in self._layers)

    def open(self, row: int, length: int) -> None:
        self._lengths[row] = length
        self._grow(length)

    def fill(self, row: int, layer: int, keys: Tensor, values: Tensor) -> None:
        kept = self._layers[layer][:, row, :, : self._lengths[row]]
        kept[0], kept[1] = keys, values

    def begin_column(self, rows: Sequence[int]) -> None:
        for row in rows:
            self._lengths[row] += 1
        longest = max(self._lengths[row] for row in rows)
        self._grow(longest)
        device = self._like.device
        self._rows = torch.tensor(list(rows), device=device)
        lengths = torch.tensor([self._lengths[row] for row in rows], device=device)
        self._columns = lengths - 1
        self._width = _blocks(longest)
        place = torch.arange(self._width, device=device)
        # A row that does not run looks at an empty column, as a softmax over nothing is NaN.
        every = torch.ones(self._num_rows, dtype=torch.long, device=device)
        every[self._rows] = lengths
        self._visible = (place < every[:, None])[:, None, None]

    def attend(self, layer: int, rows: Sequence[int], packed: Tensor) -> Tensor:
        kept = self._layers[layer]
        kept[:, self._rows, :, self._columns] = packed[1:, :, :, 0].transpose(0, 1)
        queries = packed.new_zeros(self._num_rows, *packed.shape[2:])
        queries[self._rows] = packed[0]
        keys, values = kept[:, :, :, : self._width]
        mixed = F.scaled_dot_product_attention(queries, keys, values, self._visible)
        return mixed[self._rows]

    def close(self, row: int) -> None:
        del self._lengths[row]
        if not self._lengths:  # nobody speaks: what a long sentence took is given back
            self._layers = [self._empty(BLOCK) for _ in self._layers]

    def _grow(self, columns: int) -> None:
        if columns <= self._layers[0].shape[3]:
            return
        for place, kept in enumerate(self._layers):
            larger = self._empty(_blocks(columns))
            larger[:, :, :, : kept.shape[3]] = kept
            self._layers[place] = larger

    def _empty(self, columns: int) -> Tensor:
        # Zeros: a hidden column that happens to hold a NaN would still spoil the sum.
        shape = (2, self._num_rows, self._heads, columns, self._head)
        return self._like.new_zeros(shape)
