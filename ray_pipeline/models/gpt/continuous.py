"""The loop that speaks, for sentences that come and go: each is read alone into a row of its own,
steps with those that are there, and leaves when it is over.

    decoder = ContinuousDecoder(model)
    row = decoder.admit(sentence, sampling, generator)
    while decoder.num_running:
        for row, decoded in decoder.step(): ...

A sentence gets the tokens that `decode_batch` gives it alone. Its company changes nothing: prefix,
attention and scores are computed for itself, its random numbers are its own, and the products that
rows share give each row the same values however many there are: bit for bit with half weights on a
CPU, up to rounding elsewhere.

B = sentences that run, S = columns, D = width, H = heads, K = D / H, V = tokens.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional as F

from ray_pipeline.models.gpt.decoding import (
    MIN_TOKENS,
    Decoded,
    Sentence,
    choose,
    prefix_and_mask,
    seen_tokens,
    token_limit,
)
from ray_pipeline.models.gpt.model import Text2Semantic
from ray_pipeline.models.gpt.row_store import RowStore, make_store
from ray_pipeline.models.gpt.sampling import Sampling

# References of up to 10 s have as many tokens as that, and a few more behind them.
_USUAL_PROMPT = 300


@dataclass
class _Row:
    """One sentence that runs. `scores` [1, V] are those of its next token."""

    num_prompt: int
    limit: int
    sampling: Sampling
    generator: torch.Generator | None
    seen: Tensor  # [1, V]
    scores: Tensor
    tokens: list[int] = field(default_factory=list)


class ContinuousDecoder:
    """At most `num_rows` sentences at a time. `max_tokens` and `usable_tokens` as in
    `decode_batch`. Not for use by several threads at once."""

    def __init__(
        self,
        model: Text2Semantic,
        num_rows: int = 8,
        *,
        max_tokens: int | None = None,
        usable_tokens: Tensor | None = None,
    ) -> None:
        self.model, self.num_rows = model, num_rows
        self.limit = token_limit(model.config, max_tokens)
        self._forbidden = None
        if usable_tokens is not None:
            self._forbidden = F.pad(~usable_tokens.to(self._device), (0, 1))
        self._rows: dict[int, _Row] = {}
        self._store: RowStore = make_store(model, num_rows)
        self._positions = self._table(self.limit + _USUAL_PROMPT)

    @property
    def num_running(self) -> int:
        return len(self._rows)

    @property
    def num_free(self) -> int:
        return self.num_rows - len(self._rows)

    @property
    def num_bytes(self) -> int:
        """What the keys and values of the past take."""
        return self._store.num_bytes

    @torch.inference_mode()
    def admit(
        self,
        sentence: Sentence,
        sampling: Sampling,
        generator: torch.Generator | None = None,
        limit: int | None = None,
    ) -> int:
        """Read the sentence's prefix and let it run from the next step on; its row. It is stopped
        after `limit` tokens, if that is less than all have. Raises ValueError when all rows are
        taken."""
        number = next((n for n in range(self.num_rows) if n not in self._rows), None)
        if number is None:
            raise ValueError(f"all {self.num_rows} rows of the decoder are taken")
        num_prompt = 0 if sentence.prompt is None else len(sentence.prompt)
        if self.limit + num_prompt > len(self._positions):
            self._positions = self._table(self.limit + num_prompt)
        x, mask = prefix_and_mask(self.model, [sentence])
        self._store.open(number, x.shape[1])
        for place, layer in enumerate(self.model.h.each()):
            queries, keys, values = layer.self_attn.project(x)
            self._store.fill(number, place, keys[0], values[0])
            x = layer.finish(x, layer.self_attn.attend(queries, keys, values, mask))
        self._rows[number] = _Row(
            num_prompt,
            self.limit if limit is None else min(limit, self.limit),
            sampling,
            generator,
            seen_tokens(self.model, [sentence]),
            self.model.ar_predict_layer(x[:, -1]).float(),
        )
        return number

    def drop(self, row: int) -> None:
        """Forget a sentence, over or not, and free its row."""
        if self._rows.pop(row, None) is not None:
            self._store.close(row)

    def tokens(self, row: int) -> list[int]:
        """What a sentence has said so far."""
        return self._rows[row].tokens

    @torch.inference_mode()
    def step(self, only: Collection[int] | None = None) -> list[tuple[int, Decoded]]:
        """One token more for each sentence, or for those in the rows `only`. Those that are over
        are given back, and are gone."""
        running = list(self._rows if only is None else only)
        finished = []
        for row, token, is_over in self._choose(running):
            said = self._rows[row].tokens
            if not is_over:
                said.append(token)
            if is_over or len(said) == self._rows[row].limit:
                decoded = torch.tensor(said, dtype=torch.long, device=self._device)
                finished.append((row, Decoded(decoded, ended=is_over)))
                self.drop(row)
        running = [row for row in running if row in self._rows]
        if running:
            self._advance(running)
        return finished

    def _choose(self, running: Collection[int]) -> list[tuple[int, int, bool]]:
        """For each row its next token, and whether it is over. Rows that are sampled alike are
        treated together."""
        groups: dict[Hashable, list[int]] = {}
        for number in running:
            row = self._rows[number]
            groups.setdefault((row.sampling, len(row.tokens) < MIN_TOKENS), []).append(number)
        chosen = []
        for numbers in groups.values():
            rows = [self._rows[number] for number in numbers]
            tokens, over = self._draw(rows)
            # One wait for the device, not two.
            both = torch.stack([tokens, over.long()]).tolist()
            chosen += [(n, token, bool(end)) for n, token, end in zip(numbers, *both, strict=True)]
        return chosen

    def _draw(self, rows: list[_Row]) -> tuple[Tensor, Tensor]:
        eos, first = self.model.config.eos, rows[0]
        scores = torch.cat([row.scores for row in rows])
        if len(first.tokens) < MIN_TOKENS:
            scores = scores[:, :eos]
        if self._forbidden is not None:
            scores = scores.masked_fill(self._forbidden[: scores.shape[1]], -torch.inf)
        seen = torch.cat([row.seen for row in rows])
        return choose(scores, seen, eos, first.sampling, [row.generator for row in rows])

    def _advance(self, numbers: list[int]) -> None:
        rows = [self._rows[number] for number in numbers]
        for row in rows:
            row.seen[0, row.tokens[-1]] = True
        last = torch.tensor([row.tokens[-1] for row in rows], device=self._device)
        places = torch.tensor(
            [row.num_prompt + len(row.tokens) - 1 for row in rows], device=self._device
        )
        x = self.model.ar_audio_embedding(last[:, None]) + self._positions[places][:, None]
        self._store.begin_column(numbers)
        for place, layer in enumerate(self.model.h.each()):
            packed = layer.self_attn.project(x)
            mixed = self._store.attend(place, numbers, packed)
            x = layer.finish(x, layer.self_attn.join(mixed))
        if self._device.type != "cpu":
            every = self.model.ar_predict_layer(x[:, 0]).float()
            for place, row in enumerate(rows):
                row.scores = every[place : place + 1]
            return
        for place, row in enumerate(rows):  # a product of several rows would round otherwise
            row.scores = self.model.ar_predict_layer(x[place]).float()

    def _table(self, num_positions: int) -> Tensor:
        position = self.model.ar_audio_position
        return position.table(num_positions) * position.alpha.detach()

    @property
    def _device(self) -> torch.device:
        return self.model.bert_proj.weight.device
