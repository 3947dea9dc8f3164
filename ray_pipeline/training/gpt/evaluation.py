"""Numbers that tell whether a small GPT training learned anything, with what they are held
against."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

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


@torch.no_grad()
def top3_accuracy(model: nn.Module, batches: Iterable[GptBatch]) -> float:
    """Share of tokens that are among the model's three likeliest, given the true ones before
    them; end marks do not count. Without dropout."""
    was_training = model.training
    model.eval()
    hits, total = 0.0, 0
    for batch in batches:
        output = model(
            batch.phones, batch.phone_lengths, batch.tokens, batch.token_lengths, batch.bert
        )
        num_tokens = int(batch.token_lengths.sum())
        hits += float(output.top3_accuracy) * num_tokens
        total += num_tokens
    model.train(was_training)
    return hits / max(total, 1)
