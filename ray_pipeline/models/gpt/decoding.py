"""The loop that speaks: tokens one after another, with the keys and values of the past kept.

Several sentences are decoded side by side. Their prefixes (text, then prompt) are padded on
the left, so that all of them end in the same column of the cache; the padding is masked and
positions are counted per sentence. Each sentence has its own randomness and its own end, and
gets the tokens that it would get alone.

    column   0 ............ prefix | prefix + 1, + 2 ...
    short    pad pad text prompt   | tokens
    long     text text text prompt | tokens

B = sentences, S = columns of the cache, D = width, H = heads, K = D / H, V = tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence

from ray_pipeline.models.gpt.config import GptConfig
from ray_pipeline.models.gpt.kv_cache import KVCache, RecordedKVCache
from ray_pipeline.models.gpt.model import Text2Semantic
from ray_pipeline.models.gpt.sampling import Sampling, draw, penalise_repetition

MAX_STEPS = 1500
# The end mark cannot be drawn in the first steps, so nothing shorter than this comes out.
MIN_TOKENS = 11

OnLogits = Callable[[int, Tensor], None]


@dataclass(frozen=True)
class Sentence:
    """`phones` [L] and `bert` [bert_dim, L] of prompt and target together; `prompt` [P] are
    the tokens of the reference, or None."""

    phones: Tensor
    bert: Tensor
    prompt: Tensor | None = None


@dataclass(frozen=True)
class Decoded:
    """`tokens` [N], without the prompt and the end mark. `ended` is False if the sentence ran
    into the limit instead of ending by itself."""

    tokens: Tensor
    ended: bool


@torch.inference_mode()
def decode_batch(
    model: Text2Semantic,
    sentences: Sequence[Sentence],
    sampling: Sampling,
    *,
    generators: Sequence[torch.Generator | None] | None = None,
    max_tokens: int | None = None,
    usable_tokens: Tensor | None = None,
    on_logits: OnLogits | None = None,
    cuda_graphs: bool = False,
) -> list[Decoded]:
    """Speak the sentences side by side.

    `max_tokens` (default: twice the longest training item) is the early stop: a sentence ends
    with one token more than that. `usable_tokens`, bool [eos], forbids the ids
    that are False. `on_logits` is shown each step's logits [B, V] before anything is done to them.
    `cuda_graphs` records the work of a token on a GPU: an option until it has passed its test
    on one.
    """
    config, device = model.config, model.bert_proj.weight.device
    limit = token_limit(config, max_tokens)
    generators = generators or [None] * len(sentences)
    prefix, padding = _prefix(model, sentences)
    columns = prefix.shape[1] + limit
    recorded = cuda_graphs and device.type == "cuda"
    cache = (RecordedKVCache if recorded else KVCache)(model, padding, columns)
    positions = model.ar_audio_position.table(limit + _longest_prompt(sentences))
    positions = positions * model.ar_audio_position.alpha
    next_position = torch.tensor([_prompt_length(s) for s in sentences], device=device)
    seen = seen_tokens(model, sentences)
    forbidden = None if usable_tokens is None else F.pad(~usable_tokens.to(device), (0, 1))
    produced = torch.empty(len(sentences), limit, dtype=torch.long, device=device)
    ends = [limit] * len(sentences)  # the number of tokens kept
    running = set(range(len(sentences)))

    logits = cache.prefill(prefix, _prefix_mask(sentences, padding, prefix.shape[1]))
    for step in range(limit):
        scores = logits[:, : config.eos] if step < MIN_TOKENS else logits
        if on_logits is not None:
            on_logits(step, scores)
        if forbidden is not None:
            scores = scores.masked_fill(forbidden[: scores.shape[1]], -torch.inf)
        tokens, over = choose(scores, seen, config.eos, sampling, generators)
        for row, is_over in enumerate(over.tolist()):
            if is_over and row in running:
                ends[row] = step
                running.discard(row)
        produced[:, step] = tokens
        if not running or step + 1 == limit:
            break
        seen.scatter_(1, tokens[:, None], True)
        x = model.ar_audio_embedding(tokens[:, None])
        x = x + positions[next_position + step][:, None]
        logits = cache.advance(x)
    return [
        Decoded(produced[row, :end].clone(), ended=row not in running)
        for row, end in enumerate(ends)
    ]


def token_limit(config: GptConfig, max_tokens: int | None = None) -> int:
    """How many tokens a sentence has that found no end."""
    early_stop = config.early_stop if max_tokens is None else max_tokens
    return min(early_stop + 1, MAX_STEPS)


def choose(
    scores: Tensor,
    seen: Tensor,
    eos: int,
    sampling: Sampling,
    generators: Sequence[torch.Generator | None],
) -> tuple[Tensor, Tensor]:
    """The next tokens [B] and which sentences are over [B]: where the end mark was drawn, and
    also where it was the likeliest."""
    penalty = sampling.repetition_penalty
    penalised = penalise_repetition(scores, seen[:, : scores.shape[1]], penalty)
    tokens = draw(penalised, sampling, generators)
    return tokens, (tokens == eos) | (penalised.argmax(-1) == eos)


def _prompt_length(sentence: Sentence) -> int:
    return 0 if sentence.prompt is None else len(sentence.prompt)


def _longest_prompt(sentences: Sequence[Sentence]) -> int:
    return max(_prompt_length(sentence) for sentence in sentences)


def _prefix(model: Text2Semantic, sentences: Sequence[Sentence]) -> tuple[Tensor, Tensor]:
    """The embedded prefixes [B, S, D], padded on the left, and the widths of the padding [B]."""
    rows = []
    for sentence in sentences:
        row = model.embed_text(sentence.phones[None], sentence.bert[None].to(_dtype(model)))[0]
        if sentence.prompt is not None:
            row = torch.cat([row, model.embed_audio(sentence.prompt[None])[0]])
        rows.append(row)
    prefix = pad_sequence(rows, batch_first=True, padding_side="left")
    lengths = torch.tensor([len(row) for row in rows], device=prefix.device)
    return prefix, prefix.shape[1] - lengths


def _dtype(model: Text2Semantic) -> torch.dtype:
    return model.bert_proj.weight.dtype


def prefix_and_mask(model: Text2Semantic, sentences: Sequence[Sentence]) -> tuple[Tensor, Tensor]:
    """What a cache is filled with: the embedded prefixes [B, S, D], padded on the left, and where
    they may look [B, 1, S, S]."""
    prefix, padding = _prefix(model, sentences)
    return prefix, _prefix_mask(sentences, padding, prefix.shape[1])


def _prefix_mask(sentences: Sequence[Sentence], padding: Tensor, length: int) -> Tensor:
    """[B, 1, S, S]: text looks at all text, audio at text and backwards."""
    device = padding.device
    place = torch.arange(length, device=device)
    num_phones = torch.tensor([len(s.phones) for s in sentences], device=device)
    is_text = place < (padding + num_phones)[:, None]
    backwards = place[:, None] >= place
    real = place >= padding[:, None]
    looks = (is_text[:, None, :] | backwards) & real[:, None, :]
    # A padded row may look at itself: a softmax over nothing would be NaN.
    return (looks | torch.eye(length, dtype=torch.bool, device=device))[:, None]


def seen_tokens(model: Text2Semantic, sentences: Sequence[Sentence]) -> Tensor:
    """[B, V], True for the tokens of the prompt."""
    weight = model.ar_predict_layer.weight
    seen = torch.zeros(len(sentences), len(weight), dtype=torch.bool, device=weight.device)
    for row, sentence in enumerate(sentences):
        if sentence.prompt is not None:
            seen[row, sentence.prompt] = True
    return seen
