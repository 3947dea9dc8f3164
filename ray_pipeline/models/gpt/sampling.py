"""From the logits of one step to the next token, in the original's order.

    logits ─ repetition penalty ─ top-p ─ temperature ─ top-k ─ softmax ─ draw

The order matters: top-p sees the distribution before the temperature.
B = batch, V = tokens that may be chosen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

_COLDEST = 1e-5


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """`top_k` of None and `top_p` of 1 switch a filter off."""

    top_k: int | None = 15
    top_p: float = 1.0
    temperature: float = 1.0
    repetition_penalty: float = 1.35

    @property
    def is_greedy(self) -> bool:
        return self.top_k == 1


def penalise_repetition(logits: Tensor, seen: Tensor, penalty: float) -> Tensor:
    """Make seen tokens less likely (Keskar et al. 2019, CTRL), each once however often seen.

    `logits` [B, V]; `seen` [B, V] bool.
    """
    if penalty == 1.0:
        return logits
    weaker = torch.where(logits < 0, logits * penalty, logits / penalty)
    return torch.where(seen, weaker, logits)


def keep_nucleus(logits: Tensor, top_p: float) -> Tensor:
    """Remove tokens from where the cumulative probability exceeds `top_p`.

    Unlike the usual nucleus filter (Holtzman et al. 2020), the token that crosses the
    threshold goes too; the best one always stays.
    """
    if top_p >= 1.0:
        return logits
    ordered, order = logits.sort(descending=True)
    removed = ordered.softmax(-1).cumsum(-1) > top_p
    removed[:, 0] = False
    return logits.masked_fill(removed.gather(-1, order.argsort(-1)), -torch.inf)


def keep_best(logits: Tensor, top_k: int | None) -> Tensor:
    """Remove all but the `top_k` best tokens; equals of the last one stay."""
    if top_k is None or top_k >= logits.shape[-1]:
        return logits
    worst_kept = logits.topk(top_k).values[:, -1:]
    return logits.masked_fill(logits < worst_kept, -torch.inf)


def probabilities(penalised: Tensor, sampling: Sampling) -> Tensor:
    """`penalised` logits [B, V] to probabilities [B, V]."""
    logits = keep_nucleus(penalised, sampling.top_p) / max(sampling.temperature, _COLDEST)
    return keep_best(logits, sampling.top_k).softmax(-1)


def draw(
    penalised: Tensor, sampling: Sampling, generators: Sequence[torch.Generator | None]
) -> Tensor:
    """One token for each row, [B]. Row i takes its randomness from `generators[i]` alone, so
    that it does not depend on its company.

    The arg-max of p / Exponential(1) is a draw from p (the exponential race).
    """
    if sampling.is_greedy:
        return penalised.argmax(-1)
    chances = probabilities(penalised, sampling)
    noise = torch.empty_like(chances)
    for row, generator in enumerate(generators):
        noise[row].exponential_(1, generator=generator)
    return (chances / noise).argmax(-1)
