"""The optional preference loss: the true tokens should be likelier than a damaged copy.

A form of direct preference optimisation (Rafailov et al. 2023) without a reference model.
The damaged copies are made here: a random stretch is either repeated or left out, the two
failures that autoregressive speech is known for.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence

BETA = 0.2


def preference_loss(chosen: Tensor, rejected: Tensor, beta: float = BETA) -> Tensor:
    """Mean over the batch; both are summed log-probabilities [B]."""
    return -F.logsigmoid(beta * (chosen - rejected)).mean()


def damage(tokens: Tensor, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
    """A damaged copy of each row of `tokens` [B, T], padding included.

    Returns the copies [B, T'], padded with 0, and their lengths [B]. Three draws a row: which
    damage, and two places.
    """
    copies = [_damage_row(row, generator) for row in tokens]
    lengths = torch.tensor([len(copy) for copy in copies], device=tokens.device)
    return pad_sequence(copies, batch_first=True), lengths


def _damage_row(row: Tensor, generator: torch.Generator | None) -> Tensor:
    leave_out = int(torch.randint(0, 2, (1,), generator=generator)) == 1
    places = torch.randint(0, len(row), (2,), generator=generator).tolist()
    start, end = min(places), max(places)
    if leave_out:
        return torch.cat([row[:start], row[end:]])
    return torch.cat([row[:end], row[start:]])


def sequence_log_probabilities(logits: Tensor, targets: Tensor) -> Tensor:
    """Log-probability of each row's targets, summed over every position; [B]."""
    return -F.cross_entropy(logits.transpose(1, 2), targets, reduction="none").sum(-1)
