"""The keys and values of what was said so far. Each token adds a column, and the scores of what
follows it come out.

    KVCache          reads the columns that are filled
    BlockKVCache     reads whole blocks of columns, the empty ones hidden: the same work with
                     shapes and addresses that stay for many tokens
    RecordedKVCache  BlockKVCache with the work of a token recorded as a CUDA graph

A token is some 400 small kernels: a GPU is done with each sooner than Python can ask for the
next. A graph asks for all of them at once.

B = sentences, S = columns of the cache, D = width, H = heads, K = D / H, V = tokens.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import torch
from torch import Tensor

from ray_pipeline.models.gpt.model import Text2Semantic

_log = logging.getLogger(__name__)

# Ten seconds of speech. A multiple of 16, so that the attention on a GPU takes the mask as it is.
BLOCK = 256


class KVCache:
    """The cache of one decode, allocated once: per layer [2, B, H, S, K]. `padding` [B] columns
    on the left of each sentence are hidden."""

    def __init__(self, model: Text2Semantic, padding: Tensor, columns: int) -> None:
        config, weight = model.config, model.bert_proj.weight
        shape = (2, len(padding), config.num_heads, columns, config.width // config.num_heads)
        self.layers = [weight.new_empty(shape) for _ in range(config.num_layers)]
        self.model, self.padding, self.columns = model, padding, columns
        self.length = 0
        self._visible = _unpadded(padding, columns) if bool(padding.any()) else None

    def prefill(self, x: Tensor, mask: Tensor) -> Tensor:
        """Run the prefix [B, S, D] and fill the cache; the logits [B, V] of what follows it.
        `mask` [B, 1, S, S] is True where a query may look."""
        self.length = x.shape[1]
        for layer, kept in zip(self.model.h.each(), self.layers, strict=True):
            queries, keys, values = layer.self_attn.project(x)
            kept[0, :, :, : self.length] = keys
            kept[1, :, :, : self.length] = values
            x = layer.finish(x, layer.self_attn.attend(queries, keys, values, mask))
        return self.model.ar_predict_layer(x[:, -1]).float()

    def advance(self, x: Tensor) -> Tensor:
        """Run one token a sentence, [B, 1, D]; the next logits [B, V]."""
        column, self.length = self.length, self.length + 1
        mask = None if self._visible is None else self._visible[..., : self.length]
        for layer, kept in zip(self.model.h.each(), self.layers, strict=True):
            packed = layer.self_attn.project(x)
            kept[:, :, :, column] = packed[1:, :, :, 0]
            keys, values = kept[:, :, :, : self.length]
            x = layer.finish(x, layer.self_attn.attend(packed[0], keys, values, mask))
        return self.model.ar_predict_layer(x[:, 0]).float()


class BlockKVCache(KVCache):
    """Asks the device for no value and makes nothing of a new size until a block is full, as a
    CUDA graph needs it."""

    def __init__(self, model: Text2Semantic, padding: Tensor, columns: int) -> None:
        super().__init__(model, padding, -(-columns // BLOCK) * BLOCK)
        weight = model.bert_proj.weight
        for kept in self.layers:
            kept.zero_()  # a hidden column that happens to hold a NaN would still spoil the sum
        self._width = 0  # the columns that are read
        self._x = weight.new_zeros(len(padding), 1, model.config.width)
        self._logits = torch.zeros(len(padding), model.config.vocab_size, device=weight.device)
        self._column = torch.zeros(1, dtype=torch.long, device=weight.device)
        # What is added to the scores of each column: 0, or minus infinity where it is hidden.
        self._hidden = weight.new_zeros(len(padding), 1, 1, self.columns)
        self._run: Callable[[], None] = self._add_token

    def advance(self, x: Tensor) -> Tensor:
        if self.length >= self._width:
            self._width = (self.length // BLOCK + 1) * BLOCK
            self._place()
            self._run = self._recorded()
            self._place()
        self._x.copy_(x)
        self._run()
        self.length += 1
        return self._logits.clone()

    def _place(self) -> None:
        """Point at the first empty column and hide all from there."""
        self._column.fill_(self.length)
        visible = _unpadded(self.padding, self.columns)
        visible[..., self.length :] = False
        self._hidden.zero_().masked_fill_(~visible, -torch.inf)

    def _recorded(self) -> Callable[[], None]:
        """What adds a token from now on. It may add some to try: they are overwritten."""
        return self._add_token

    def _add_token(self) -> None:
        hidden, x = self._hidden[..., : self._width], self._x
        hidden.index_fill_(3, self._column, 0)
        for layer, kept in zip(self.model.h.each(), self.layers, strict=True):
            packed = layer.self_attn.project(x)
            kept.index_copy_(3, self._column, packed[1:])
            keys, values = kept[:, :, :, : self._width]
            x = layer.finish(x, layer.self_attn.attend(packed[0], keys, values, hidden))
        self._logits.copy_(self.model.ar_predict_layer(x[:, 0]))
        self._column.add_(1)


class RecordedKVCache(BlockKVCache):
    """On CUDA only. What cannot be recorded, for whatever reason, runs as it is."""

    def _recorded(self) -> Callable[[], None]:
        try:
            return record(self._add_token)
        except Exception as error:  # drivers and libraries raise of every kind
            _log.warning("Decoding without a CUDA graph, which is slower: %r", error)
            return self._add_token


def record(work: Callable[[], None]) -> Callable[[], None]:
    """Do the work once, as libraries set themselves up in their first call, and record it as a
    CUDA graph. Raises what torch raises when it does what cannot be recorded."""
    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        work()
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    # Other threads of the process may go on using the GPU meanwhile.
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):
        work()
    return graph.replay


def _unpadded(padding: Tensor, columns: int) -> Tensor:
    """[B, 1, 1, S]: True for all but the padding."""
    place = torch.arange(columns, device=padding.device)
    return (place >= padding[:, None])[:, None, None]
