"""Numbers that tell whether a small GPT training learned anything, with what they are held
against."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from ray_pipeline.training.gpt.data import GptBatch


def token_perplexity(clips: Iterable[Sequence[int]]) -> float:
    """exp(entropy) of the tokens' frequencies: how many rows of the codebook are really used."""
    counts = Counter(token for tokens in clips for token in tokens)
    total = sum(counts.values())
    entropy = -sum(n / total * math.log(n / total) for n in counts.values())
    return math.exp(entropy)


def unigram_top3(clips: Iterable[Sequence[int]]) -> float:
    """The top-3 accuracy of always answering with the three commonest tokens."""
    counts = Counter(token for tokens in clips for token in tokens)
    return sum(n for _, n in counts.most_common(3)) / max(sum(counts.values()), 1)


@dataclass(frozen=True)
class NextToken:
    """How a model guesses tokens from the true ones before them. `loss` is the mean cross-entropy
    in nats, end marks included; `top3` the share of tokens, end marks not counted, that are among
    its three likeliest."""

    loss: float
    top3: float


@torch.no_grad()
def judge_guesses(model: nn.Module, batches: Iterable[GptBatch]) -> NextToken:
    """Of batches without padding, without dropout."""
    was_training = model.training
    model.eval()
    hits, loss, num_tokens, num_targets = 0.0, 0.0, 0, 0
    for batch in batches:
        output = model(
            batch.phones, batch.phone_lengths, batch.tokens, batch.token_lengths, batch.bert
        )
        tokens = int(batch.token_lengths.sum())
        hits += float(output.top3_accuracy) * tokens
        loss += float(output.loss)
        num_tokens += tokens
        num_targets += output.targets.numel()
    model.train(was_training)
    return NextToken(loss / max(num_targets, 1), hits / max(num_tokens, 1))
